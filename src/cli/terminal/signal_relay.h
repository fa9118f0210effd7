// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <boxlite/execution.hpp>

#include "cli/commands/command_calls.h"
#include "cli/terminal/descriptor.h"

namespace boxlite::cli {

// What the signals of this program mean to the command in the box.
struct SignalRules {
  // Standard input is the command's terminal: a change of its size is passed on. INT, TERM, HUP and QUIT can
  // then only come from outside, so they end this program, as they end ssh.
  bool has_terminal = false;
  // Without a terminal: INT, TERM, HUP and QUIT go to the command instead of ending this program; a second
  // INT within two seconds kills the command, for there is one that ignores the first. When the box has not
  // answered to the one before, the next ends this program, as it does with Docker's.
  bool passes_on = true;
  // The command is ours: it learns that its terminal was closed (HUP), or that nobody reads its output (PIPE,
  // and KILL a second later). Else we only let go of it.
  bool owns_command = true;
  // After which the box ends the command; 0: never. A box that does neither that nor answers is given up some
  // seconds later, unless `is_paused`, which is called on the relay's thread.
  std::chrono::milliseconds time_limit{0};
  std::function<bool()> is_paused = {};
  // After we were stopped and continued; called on the relay's thread.
  std::function<void()> on_continue = {};
};

// While it lives, signals follow the rules. PIPE is kept from ending us: the writers see EPIPE and call
// notify(SIGPIPE).
//
// Handlers rather than blocked signals: a handler is reset in every program that the library starts, a mask
// is not.
class SignalRelay {
 public:
  static Result<std::unique_ptr<SignalRelay>> start(const Execution& execution, SignalRules rules);
  SignalRelay(const SignalRelay&) = delete;
  SignalRelay& operator=(const SignalRelay&) = delete;
  ~SignalRelay();

  // As if the signal had come. From any thread.
  void notify(int signal);

  // The signal that ended the attachment; 0: none did.
  int ended_by() const { return ended_by_; }
  // Whether it ended because the box does not answer.
  bool is_unanswered() const { return is_unanswered_; }

 private:
  static constexpr std::array relayed{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH, SIGCONT};
  using Clock = std::chrono::steady_clock;

  SignalRelay(const Execution& execution, SignalRules rules, Descriptor reader, Descriptor writer);
  bool is_ours(int signal) const;
  void run();
  void deliver(int signal);
  void deliver_interrupt();
  void pass_on(int signal);
  void let_go(int signal);
  void give_up(int signal);
  void look_at_times();
  void check_time_limit();
  void pass_on_size();
  int poll_timeout() const;

  Execution execution_;
  CommandCalls calls_;
  const SignalRules rules_;
  std::atomic<int> ended_by_ = 0;
  std::atomic<bool> is_unanswered_ = false;
  Descriptor reader_;
  Descriptor writer_;
  std::array<struct sigaction, relayed.size()> before_{};
  std::optional<Clock::time_point> last_interrupt_;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> give_up_at_;
  std::optional<Clock::time_point> out_of_time_at_;
  int last_ending_ = 0;
  bool was_killed_ = false;  // by us, for its time
  std::jthread thread_;
};

}  // namespace boxlite::cli
