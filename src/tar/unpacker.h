// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tar/packer.h"
#include "tar/safe_directory.h"
#include "tar/tar_reader.h"

namespace boxlite::tar {

enum class Ownership {
  caller,   // as the kernel makes it
  fixed,    // uid and gid of the options
  archive,  // as the archive says
};

struct UnpackOptions {
  // False: what exists stays as it is and is counted as skipped.
  bool overwrite = true;
  Ownership ownership = Ownership::caller;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // Device files, set-id bits and file capabilities: only where the archive may do as it likes anyway, as
  // inside a box. Else devices are skipped and the rest is taken off.
  bool allow_special = false;
  // The caller has cleared its umask, so that files can be made with their mode at once.
  bool umask_is_clear = false;
  // Content beyond this is an error (resource_exhausted). 0: no limit.
  std::uint64_t max_bytes = 0;
};

struct UnpackReport {
  Amount amount;
  std::uint64_t skipped_existing = 0;
  std::uint64_t skipped_special = 0;
};

// Writes what an archive holds below a directory: nothing outside of it, whatever names and links the archive
// has and whatever somebody else does in the tree meanwhile. Directories that exist are left as they are; a
// file takes the place of a file, never of a directory. In memory that does not grow with the archive.
class Unpacker {
 public:
  // `directory_fd` is borrowed. `first_part`: replaces the first part of every name; an empty one takes it
  // away. `after_entry` is called with the report so far; it may end it all with an error.
  using AfterEntry = std::function<Result<void>(const UnpackReport&)>;
  Unpacker(int directory_fd, const UnpackOptions& options, std::optional<std::string> first_part = {},
           AfterEntry after_entry = {});

  // `entry`, just read from the archive, and everything that follows it.
  Result<void> unpack(TarReader& archive, TarEntry entry);

  const UnpackReport& report() const { return report_; }

 private:
  struct OpenDirectory {
    std::string path;
    std::uint32_t mode;
    FileTime modified;
  };
  enum class Way { is_clear, is_blocked, is_in_place };

  Result<void> place(TarReader& archive, const TarEntry& entry);
  Result<std::string> target_name(std::string_view name) const;
  Result<int> enter_parent(const std::string& path);
  Result<void> make_directory(const std::string& path, const TarEntry& entry);
  Result<void> make_file(TarReader& archive, int parent_fd, const char* name, const TarEntry& entry);
  Result<void> fill_file(TarReader& archive, int file_fd, const TarEntry& entry);
  Result<void> finish_file(int file_fd, const TarEntry& entry);
  Result<void> make_hard_link(const std::string& path, const TarEntry& entry);
  Result<void> make_other(int parent_fd, const char* name, const TarEntry& entry);
  Result<Way> clear_way(int parent_fd, const char* name, const TarEntry& entry);
  Result<void> own(int parent_fd, const char* name, std::uint32_t uid, std::uint32_t gid) const;
  void set_xattrs(int file_fd, const TarEntry& entry) const;
  std::uint32_t mode_of(const TarEntry& entry) const;
  Result<void> finish_directories(std::string_view path);
  Result<void> finish_directory(const OpenDirectory& directory);

  SafeDirectory root_;
  const UnpackOptions options_;
  const std::optional<std::string> first_part_;
  const AfterEntry after_entry_;
  const SafeDirectory::OnMade on_made_;
  UnpackReport report_;
  std::vector<OpenDirectory> open_directories_;  // of which more entries may come, outermost first
};

}  // namespace boxlite::tar
