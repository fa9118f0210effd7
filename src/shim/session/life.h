// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/engine.h"
#include "linux/event_loop.h"
#include "shim/session/boot.h"
#include "shim/session/main_command.h"

namespace boxlite::shim {

// One machine of the box, from its launch to its end; a box that its policy starts again has several, one
// after the other.
//
//   booting ──container up──▶ ready ──main ends / asked to stop──▶ stopping ──machine gone──▶ ended
//      └──────────── boot fails, asked to stop, machine gone ──────────────────────────────▶ ended
struct Life {
  enum class State { booting, ready, stopping, ended };

  State state = State::booting;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  UniqueFd console = {};
  std::unique_ptr<Boot> boot = {};
  std::unique_ptr<engine::Machine> machine = {};
  std::unique_ptr<MainCommand> main = {};

  bool main_is_pending = false;     // asked for, and neither running nor found impossible to run
  std::string early_main = {};      // the id of one that a client asked for before the container was up
  bool is_restored = false;         // goes on from a snapshot
  std::string kernel_release = {};  // of a claimed machine, whose agent has been greeted
  bool is_paused = false;
  bool was_forced = false;
  std::optional<Error> boot_error = {};
  std::string boot_error_phase = {};
  std::optional<Error> guest_error = {};
  std::optional<wire::msg::ExecResult> main_end = {};
  bool main_has_run = false;
  bool main_ended_first = false;  // before anybody asked for a stop

  linux_::EventLoop::Watch console_watch = {};
  linux_::EventLoop::Watch machine_watch = {};
  linux_::EventLoop::Timer boot_timer = {};
  linux_::EventLoop::Timer stop_timer = {};

  // The main command was found not to be startable.
  bool main_was_impossible() const { return main_end && !main_end->error().empty(); }
};

}  // namespace boxlite::shim
