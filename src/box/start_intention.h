// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "box/box_paths.h"
#include "linux/file_lock.h"

namespace boxlite::box {

// That somebody is about to start, for the first time, a box that goes at its end. Should all who are be
// killed before it has started, it would wait for ever: nobody else knows that it is of no use. A file says
// so, and the shared lock on it, which goes with its holder, whether there still is somebody.
class StartIntention {
 public:
  // Of a box that has a directory.
  static Result<StartIntention> declare(const BoxPaths& paths);
  // Of a box that has neither directory nor row. `birth` is its life-cycle lock, to be held until there is a
  // row: a directory without one is a leftover to others.
  struct Unborn;
  static Result<Unborn> declare_unborn(const BoxPaths& paths);

  // Whether it was declared, and nobody who did is left.
  static Result<bool> is_abandoned(const BoxPaths& paths);

  // The box has not been started and may wait again, unless others still mean to start it. The caller holds
  // the life-cycle lock, so that nobody takes it for abandoned meanwhile.
  void withdraw(const BoxPaths& paths) &&;

 private:
  explicit StartIntention(linux_::FileLock lock) : lock_(std::move(lock)) {}
  linux_::FileLock lock_;
};

struct StartIntention::Unborn {
  linux_::FileLock birth;
  StartIntention intention;
};

}  // namespace boxlite::box
