// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

#include <boxlite/execution.hpp>

#include "cli/descriptor.h"

namespace boxlite::cli {

// While it lives, INT, TERM, HUP and QUIT go to the command in the box instead of ending this program; a
// second INT within two seconds kills the command, for there is one that ignores the first. With a terminal,
// a change of its size is passed on. PIPE is kept from ending us: the writers see EPIPE and call
// notify(SIGPIPE).
//
// Handlers rather than blocked signals: a handler is reset in every program that the library starts, a mask
// is not.
class SignalRelay {
 public:
  static Result<std::unique_ptr<SignalRelay>> start(const Execution& execution, bool has_terminal);
  SignalRelay(const SignalRelay&) = delete;
  SignalRelay& operator=(const SignalRelay&) = delete;
  ~SignalRelay();

  // As if the signal had come. From any thread.
  void notify(int signal);

 private:
  static constexpr std::array relayed{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH};
  using Clock = std::chrono::steady_clock;

  SignalRelay(const Execution& execution, bool has_terminal, Descriptor reader, Descriptor writer);
  void run();
  void deliver(int signal);
  void pass_on_size();
  int poll_timeout() const;

  Execution execution_;
  const bool has_terminal_;
  Descriptor reader_;
  Descriptor writer_;
  std::array<struct sigaction, relayed.size()> before_{};
  std::optional<Clock::time_point> last_interrupt_;
  std::optional<Clock::time_point> kill_at_;
  std::jthread thread_;
};

}  // namespace boxlite::cli
