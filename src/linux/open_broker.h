// SPDX-License-Identifier: Apache-2.0
// Answers some file openings of another process with a descriptor of ours (seccomp_unotify(2)).
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// Under which number an OpenBroker hands out its descriptor.
inline constexpr int handed_out_fd = 200;

// From now on every openat(O_RDWR) of the calling thread and of what it starts waits until the owner of the
// returned listener has decided. For ever: without a listener they fail with ENOSYS. fallocate() of
// handed_out_fd does nothing and reports success: who gives memory back then goes on to forget its own copy
// of it (madvise). Other ways to open a file, or to truncate one that is not open for writing, fail.
// unsupported when the kernel cannot (Linux before 5.14).
Result<UniqueFd> intercept_openings();

// The deciding side. A process that opens `path` gets `replacement`, whatever it asked for; all other
// openings go on as they would have. One thread.
class OpenBroker {
 public:
  OpenBroker(UniqueFd listener, std::filesystem::path path, UniqueFd replacement)
      : listener_(std::move(listener)), path_(std::move(path)), replacement_(std::move(replacement)) {}

  // Readable when an opening waits.
  int fd() const { return listener_.get(); }
  // Decides about one. False: nobody is left who could ask.
  bool serve();

 private:
  bool is_ours(unsigned pid, unsigned long long name_address) const;

  UniqueFd listener_;
  std::filesystem::path path_;
  UniqueFd replacement_;
};

}  // namespace boxlite::linux_
