// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boxlite/execution.hpp>

namespace boxlite::cli {

// Makes the calls that concern a command, one after the other, on a thread of its own: a box that does not
// answer keeps a call for half a minute, and its user must not wait for that. Thread-safe.
class CommandCalls {
 public:
  using Call = std::function<void(Execution&)>;

  explicit CommandCalls(const Execution& execution);
  CommandCalls(const CommandCalls&) = delete;
  CommandCalls& operator=(const CommandCalls&) = delete;
  // Gives the calls a second, and leaves those to themselves that have no answer then.
  ~CommandCalls();

  void post(Call call);
  // Whether the oldest call without an answer was posted that long ago.
  bool have_waited(std::chrono::milliseconds time) const;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace boxlite::cli
