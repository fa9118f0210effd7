// SPDX-License-Identifier: Apache-2.0
#include "box/start_intention.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::box {
namespace {

// Longer than anybody looks at a lock.
constexpr std::chrono::seconds declaring_limit{10};
// How often others may take a directory away that has no row yet, before we have its lock.
constexpr int most_attempts = 10;

bool is_unlinked(int fd) {
  struct stat status = {};
  return ::fstat(fd, &status) == 0 && status.st_nlink == 0;
}

}  // namespace

Result<StartIntention> StartIntention::declare(const BoxPaths& paths) {
  const auto deadline = Deadline::after(declaring_limit);
  while (true) {
    auto lock =
        BOXLITE_TRY(linux_::FileLock::acquire(paths.start_intention(), linux_::LockMode::shared, deadline));
    // Withdrawn by somebody else while we waited.
    if (!is_unlinked(lock.fd())) return StartIntention(std::move(lock));
  }
}

Result<StartIntention::Unborn> StartIntention::declare_unborn(const BoxPaths& paths) {
  for (int attempt = 1;; ++attempt) {
    BOXLITE_TRY(make_directories(paths.directory));
    auto birth = linux_::FileLock::acquire(paths.lock(), linux_::LockMode::exclusive,
                                           Deadline::after(declaring_limit));
    const bool is_gone = birth ? is_unlinked(birth->fd()) : birth.error().os_error() == ENOENT;
    if (is_gone && attempt < most_attempts) continue;
    if (!birth) return std::unexpected(std::move(birth).error());
    auto intention = BOXLITE_TRY(declare(paths));
    return Unborn{*std::move(birth), std::move(intention)};
  }
}

Result<bool> StartIntention::is_abandoned(const BoxPaths& paths) {
  if (!is_there(paths.start_intention())) return false;
  const auto free = linux_::FileLock::try_acquire(paths.start_intention(), linux_::LockMode::exclusive);
  if (free) return true;
  if (free.error().code() == ErrorCode::unavailable || free.error().os_error() == ENOENT) return false;
  return std::unexpected(free.error());
}

void StartIntention::withdraw(const BoxPaths& paths) && {
  {
    const auto ours = std::move(lock_);
  }
  const auto alone = linux_::FileLock::try_acquire(paths.start_intention(), linux_::LockMode::exclusive);
  if (alone) ::unlink(paths.start_intention().c_str());
}

}  // namespace boxlite::box
