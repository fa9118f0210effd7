// SPDX-License-Identifier: Apache-2.0
// The parent's half of starting boxlite-shim.
//
// What the shim finds: no arguments; stdin the config; stdout null; stderr shim.stderr; fd 3 the watchdog
// pipe (not when detached); fd 4 the listening socket agent.sock; fd 5 the lock shim.lock; BOXLITE_BOX_ID and
// TMPDIR.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/child_process.h"
#include "vmm/shim_config.h"

namespace boxlite::vmm {

inline constexpr int shim_watchdog_fd = 3;
inline constexpr int shim_listener_fd = 4;
inline constexpr int shim_lock_fd = 5;

// A shim that this process started. Dropping it ends the box gracefully, unless the box is detached: the
// watchdog hangs up, the guest is shut down, and 8 s later all is killed. Movable; one thread at a time.
class ShimProcess {
 public:
  // Returns once the shim runs and has its config; its boot is under way and agent.sock accepts connections.
  // The box directory must exist, and the caller holds the box's life-cycle lock. invalid_state when a shim
  // (or a QEMU that has lost its shim) still holds shim.lock; not_found when `program` is missing.
  static Result<ShimProcess> spawn(const std::filesystem::path& program, const ShimConfig& config);

  pid_t pid() const { return child_.pid(); }
  // Its descriptor becomes readable when the shim has ended.
  const linux_::ProcessHandle& handle() const { return child_.handle(); }
  // Reaps. exit.json says more.
  Result<linux_::ChildEnd> wait(Deadline deadline) { return child_.wait(deadline); }
  // Begins the graceful end of a box that is not detached. wait() says when it is over.
  void hang_up() { watchdog_.reset(); }
  // Kills the shim; QEMU dies with it.
  Result<void> kill() { return child_.send_signal(9); }

 private:
  ShimProcess(linux_::ChildProcess child, UniqueFd watchdog)
      : child_(std::move(child)), watchdog_(std::move(watchdog)) {}
  linux_::ChildProcess child_;
  UniqueFd watchdog_;  // the write end; closed when detached
};

// Whether a shim, or a QEMU that it left behind, lives for this box: whether shim.lock is held.
Result<bool> is_shim_alive(const std::filesystem::path& box_dir);

}  // namespace boxlite::vmm
