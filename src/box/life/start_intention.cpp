// SPDX-License-Identifier: Apache-2.0
#include "box/life/start_intention.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/ids.h"

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

// The file is locked before it gets its place: there, one without a holder was left by a dead starter. No
// name comes twice, or a process that has opened a withdrawn one could take its successor for the same.
Result<StartIntention> StartIntention::declare(const BoxPaths& paths) {
  const auto fresh = paths.fresh_start_intention();
  // Of a starter that was killed between these lines.
  ::unlink(fresh.c_str());
  auto lock = BOXLITE_TRY(linux_::FileLock::try_acquire(fresh, linux_::LockMode::exclusive));
  BOXLITE_TRY(make_directories(paths.start_intentions()));
  auto place = paths.start_intentions() / new_id();
  if (::rename(fresh.c_str(), place.c_str()) != 0)
    return fail(syscall_error("rename", place.native(), errno));
  return StartIntention(std::move(lock), std::move(place));
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

// One that is gone by the time we look was withdrawn, and speaks for the dead as well.
Result<bool> StartIntention::is_abandoned(const BoxPaths& paths) {
  const auto declared = entries_of(paths.start_intentions());
  for (const auto& one : declared) {
    if (BOXLITE_TRY(linux_::FileLock::is_held(one)) || !is_there(one)) return false;
  }
  return !declared.empty();
}

// The own file last: a look meanwhile finds it held, or nothing.
void StartIntention::withdraw() && {
  for (const auto& one : entries_of(path_.parent_path())) {
    const auto is_held = linux_::FileLock::is_held(one);
    if (is_held && !*is_held) ::unlink(one.c_str());
  }
  ::unlink(path_.c_str());
  const auto ours = std::move(lock_);
}

}  // namespace boxlite::box
