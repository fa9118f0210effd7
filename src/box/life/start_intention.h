// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <utility>

#include "base/result.h"
#include "box/box_paths.h"
#include "linux/files/file_lock.h"

namespace boxlite::box {

// A process is about to start, for the first time, a box that is removed at its end. Were all such processes
// killed before it has started, the box would wait for ever. Each starter has a file of its own, and the lock
// on it, which goes with its holder, says whether that starter still lives. No two processes ever lock, or
// wait for, the same file; looking at it creates nothing and keeps no process from anything.
class StartIntention {
 public:
  // Of a box that has a directory and a row. The caller holds the life-cycle lock: no process may find the
  // box abandoned by other starters, and remove it, meanwhile.
  static Result<StartIntention> declare(const BoxPaths& paths);
  // Of a box that has neither directory nor row. `birth` is its life-cycle lock, to be held until there is a
  // row: a directory without one is a leftover to others.
  struct Unborn;
  static Result<Unborn> declare_unborn(const BoxPaths& paths);

  // Whether it was declared, and no starter who did is left. It stays so for as long as the life-cycle lock
  // is held.
  static Result<bool> is_abandoned(const BoxPaths& paths);

  // The box has not been started and may wait again, unless others still mean to start it; the files of
  // killed starters go too. Needs no lock.
  void withdraw() &&;

 private:
  StartIntention(linux_::FileLock lock, std::filesystem::path path)
      : lock_(std::move(lock)), path_(std::move(path)) {}
  linux_::FileLock lock_;
  std::filesystem::path path_;
};

struct StartIntention::Unborn {
  linux_::FileLock birth;
  StartIntention intention;
};

}  // namespace boxlite::box
