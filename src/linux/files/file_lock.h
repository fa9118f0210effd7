// SPDX-License-Identifier: Apache-2.0
// flock(2): advisory locks that the kernel drops when the last descriptor of the open file goes, so that a
// killed process never leaves one behind.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

enum class LockMode { shared, exclusive };

class FileLock {
 public:
  // Creates the file when missing and waits for the lock until the deadline (timed_out).
  static Result<FileLock> acquire(const std::filesystem::path& path, LockMode mode, Deadline deadline);
  // Holds the lock, or unavailable at once when somebody else does.
  static Result<FileLock> try_acquire(const std::filesystem::path& path, LockMode mode);
  // Whether anybody holds `path` exclusively; false for a missing file.
  static Result<bool> is_held(const std::filesystem::path& path);

  int fd() const { return file_.get(); }
  // A child that inherits the descriptor keeps the lock for as long as it lives.
  UniqueFd release() && { return std::move(file_); }

 private:
  explicit FileLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace boxlite::linux_
