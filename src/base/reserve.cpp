// SPDX-License-Identifier: Apache-2.0
#include "base/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite {
namespace {

// A page of SQLite's log per table that a removal touches, the log's index (32 KiB), a list of images, and as
// much again.
constexpr off_t reserve_bytes = 256 << 10;

}  // namespace

void Reserve::refill() const {
  struct stat status = {};
  if (::lstat(file_.c_str(), &status) == 0 && status.st_size >= reserve_bytes) return;
  const auto file = open_file(file_, O_WRONLY | O_CREAT | O_NOFOLLOW);
  if (file && ::posix_fallocate(file->get(), 0, reserve_bytes) != 0) (void)release();
}

bool Reserve::release() const {
  return ::unlink(file_.c_str()) == 0;
}

}  // namespace boxlite
