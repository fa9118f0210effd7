// SPDX-License-Identifier: Apache-2.0
#include "linux/files/file_lock.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

int operation(LockMode mode) {
  return (mode == LockMode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
}

bool try_lock(int fd, LockMode mode) {
  int result;
  do result = ::flock(fd, operation(mode));
  while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, LockMode mode, Deadline deadline) {
  auto file = BOXLITE_TRY(open_file(path, O_RDWR | O_CREAT));
  // flock has no timeout and an alarm belongs to the embedding program, so we ask again, less and less often:
  // a wait gets at most a tenth longer.
  for (long pause_us = 500;; pause_us = std::min(pause_us + pause_us / 10 + 1, 50'000L)) {
    if (try_lock(file.get(), mode)) return FileLock(std::move(file));
    if (errno != EWOULDBLOCK) return fail(syscall_error("flock", path.native(), errno));
    if (deadline.has_passed()) {
      return fail(deadline.error(concat("lock ", in_quotes(path.native()), ": another process holds it")));
    }
    const timespec pause{0, pause_us * 1'000};
    ::nanosleep(&pause, nullptr);
  }
}

Result<FileLock> FileLock::try_acquire(const std::filesystem::path& path, LockMode mode) {
  auto file = BOXLITE_TRY(open_file(path, O_RDWR | O_CREAT));
  if (try_lock(file.get(), mode)) return FileLock(std::move(file));
  if (errno != EWOULDBLOCK) return fail(syscall_error("flock", path.native(), errno));
  return fail(ErrorCode::unavailable,
              concat("lock ", in_quotes(path.native()), ": another process holds it"));
}

Result<bool> FileLock::is_held(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDWR);
  if (!file) {
    if (file.error().os_error() == ENOENT) return false;
    return std::unexpected(std::move(file).error());
  }
  if (try_lock(file->get(), LockMode::shared)) return false;
  if (errno != EWOULDBLOCK) return fail(syscall_error("flock", path.native(), errno));
  return true;
}

}  // namespace boxlite::linux_
