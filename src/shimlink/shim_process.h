// SPDX-License-Identifier: Apache-2.0
// The parent's half of starting boxlite-shim.
//
// What the shim finds: the box's directory as its only argument, for lists of processes; stdin the config;
// stdout null; stderr shim.stderr; fd 3 the watchdog, one end of a socket pair (not when detached); fd 4 the
// listening socket agent.sock; fd 5 the lock shim.lock; BOXLITE_BOX_ID and TMPDIR.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/process/child_process.h"
#include "shimlink/shim_config.h"

namespace boxlite::shimlink {

inline constexpr int shim_watchdog_fd = 3;
inline constexpr int shim_listener_fd = 4;
inline constexpr int shim_lock_fd = 5;

// A shim that this process started. Dropping it ends the box gracefully, unless the box is detached: the
// watchdog hangs up, the guest is shut down, and 8 s later all is killed. Movable; one thread at a time.
class ShimProcess {
 public:
  // Returns once the shim runs and has its config; its boot is under way and agent.sock accepts connections.
  // The box directory must exist, and the caller holds the box's life-cycle lock. invalid_state when a shim
  // (or a machine that has lost its shim) still holds shim.lock; not_found when `program` is missing.
  static Result<ShimProcess> spawn(const std::filesystem::path& program, const ShimConfig& config);

  pid_t pid() const { return pid_; }
  // Its descriptor becomes readable when the shim has ended.
  const linux_::ProcessHandle& handle() const { return child_ ? child_->handle() : *claimed_; }
  // Reaps. How one ended that was claimed is not known: it is another process's child. exit.json says more.
  Result<linux_::ChildEnd> wait(Deadline deadline);
  // Begins the graceful end of a box that is not detached. wait() says when it is over.
  void hang_up();
  // Kills the shim; its machine dies with it.
  Result<void> kill() { return handle().send_signal(9); }
  // Our end of its watchdog. From a shim that awaits a claim comes ready_mark once it can be claimed, and the
  // end of the stream when it was claimed or has ended. -1 when detached.
  int watchdog_fd() const { return watchdog_.get(); }

 private:
  friend class ShimClaim;
  ShimProcess(linux_::ChildProcess child, UniqueFd watchdog)
      : pid_(child.pid()), child_(std::move(child)), watchdog_(std::move(watchdog)) {}
  ShimProcess(pid_t pid, linux_::ProcessHandle claimed, UniqueFd watchdog)
      : pid_(pid), claimed_(std::move(claimed)), watchdog_(std::move(watchdog)) {}

  pid_t pid_;
  std::optional<linux_::ChildProcess> child_;  // one of the two
  std::optional<linux_::ProcessHandle> claimed_;
  UniqueFd watchdog_;  // not open when detached
};

inline constexpr std::string_view ready_mark = "!";
// What a shim that awaits a claim says to the process that it will listen to.
inline constexpr std::string_view claim_greeting = "!";

// The claimant's half of taking over such a shim: this process alone has its ear. Dropping it ends the shim.
class ShimClaim {
 public:
  // unavailable when somebody else claims it, or it is not ready or gone.
  static Result<ShimClaim> begin(const std::filesystem::path& ready_dir);
  // It is the box's from now on, and this process's as if spawned by it. `config` as for spawn(); its
  // directory is the shim's by now.
  Result<ShimProcess> finish(const ShimConfig& config) &&;

 private:
  ShimClaim(pid_t pid, linux_::ProcessHandle shim, UniqueFd connection)
      : pid_(pid), shim_(std::move(shim)), connection_(std::move(connection)) {}
  pid_t pid_;
  linux_::ProcessHandle shim_;
  UniqueFd connection_;
};

// Whether a shim, or a machine that it left behind, lives for this box: whether shim.lock is held.
Result<bool> is_shim_alive(const std::filesystem::path& box_dir);

}  // namespace boxlite::shimlink
