// SPDX-License-Identifier: Apache-2.0
// Landlock, the kernel's access control for unprivileged processes
// (Documentation/userspace-api/landlock.rst).
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::jail {

// Files and directories, which stand for all below them. One that is missing is skipped.
struct FileAccess {
  std::vector<std::filesystem::path> readable = {};
  std::vector<std::filesystem::path> runnable = {};  // programs and libraries
  std::vector<std::filesystem::path> writable = {};  // read as well, and files made in them, but no devices
  std::vector<std::filesystem::path> devices = {};   // read, written and controlled
};

// Whether the kernel can do what FileConfinement wants.
bool can_confine_files();

// Rules that are made before a process, which puts itself under them: it opens, makes, removes and renames
// nothing but what they name and its own part of /proc, whatever the permissions say; where the kernel can
// (Linux 6.7, 6.12) it also makes no TCP connections, reaches no abstract socket and signals no process
// outside. Looking at what is there (stat) and the metadata of files are not governed; before Linux 6.2
// truncating is not either: SystemCallFilter sees to that.
class FileConfinement {
 public:
  // unsupported when the kernel cannot (Linux before 5.19, or without Landlock among its modules).
  static Result<FileConfinement> create(const FileAccess& access);
  int fd() const { return rules_.get(); }
  // Makes system calls only. For the calling process, which must have no_new_privs and these rules as a
  // descriptor, for ever; false with errno.
  static bool enter(int rules);

 private:
  explicit FileConfinement(UniqueFd rules) : rules_(std::move(rules)) {}
  UniqueFd rules_;
};

}  // namespace boxlite::jail
