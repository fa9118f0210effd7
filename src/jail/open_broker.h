// SPDX-License-Identifier: Apache-2.0
// Decides about some system calls of another process (seccomp_unotify(2)): which programs it becomes, and
// what it gets when it opens one file.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::jail {

// Under which number an OpenBroker hands out its descriptor.
inline constexpr int handed_out_fd = 200;

enum class Intercepted { programs, programs_and_openings };

// From now on every execve() of the calling thread and of what it starts waits until the owner of the
// returned listener has decided; so does every openat(O_RDWR) where openings are intercepted. For ever:
// without a listener they fail with ENOSYS. fallocate() of handed_out_fd does nothing then and reports
// success: who gives memory back goes on to forget its own copy of it (madvise). SystemCallFilter refuses
// other ways to open a file or to start a program. unsupported when the kernel cannot (Linux before 5.14, or
// somebody else intercepts calls of this process).
Result<UniqueFd> intercept(Intercepted calls);

// The deciding side. A process that opens the replaced path gets the replacement, whatever it asked for; all
// other openings go on as they would have. It becomes one program, and no other. One thread.
class OpenBroker {
 public:
  explicit OpenBroker(UniqueFd listener) : listener_(std::move(listener)) {}
  void replace(std::filesystem::path path, UniqueFd replacement) {
    path_ = std::move(path);
    replacement_ = std::move(replacement);
  }

  // Readable when a call waits.
  int fd() const { return listener_.get(); }
  // Decides about one. False: nobody is left who could ask.
  bool serve();

 private:
  bool is_ours(unsigned pid, unsigned long long name_address) const;
  void go_on(unsigned long long id);
  void refuse(unsigned long long id);

  UniqueFd listener_;
  bool has_program_ = false;
  std::filesystem::path path_ = {};
  UniqueFd replacement_ = {};
};

}  // namespace boxlite::jail
