// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/command_calls.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace boxlite::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds last_calls_limit{1};

}  // namespace

// Shared with the thread, which may outlive us.
struct CommandCalls::State {
  explicit State(const Execution& of) : execution(of) {}

  Execution execution;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<Clock::time_point, Call>> calls;  // the first is under way
  bool is_closed = false;
  bool has_ended = false;
};

CommandCalls::CommandCalls(const Execution& execution) : state_(std::make_shared<State>(execution)) {
  std::thread([state = state_] { run(state); }).detach();
}

void CommandCalls::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->is_closed || !state->calls.empty(); });
    if (state->calls.empty()) break;
    const auto call = state->calls.front().second;
    lock.unlock();
    call(state->execution);
    lock.lock();
    state->calls.pop_front();
  }
  state->has_ended = true;
  state->changed.notify_all();
}

CommandCalls::~CommandCalls() {
  std::unique_lock lock(state_->mutex);
  state_->is_closed = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, last_calls_limit, [&] { return state_->has_ended; });
}

void CommandCalls::post(Call call) {
  const std::lock_guard lock(state_->mutex);
  state_->calls.emplace_back(Clock::now(), std::move(call));
  state_->changed.notify_all();
}

bool CommandCalls::have_waited(std::chrono::milliseconds time) const {
  const std::lock_guard lock(state_->mutex);
  return !state_->calls.empty() && Clock::now() - state_->calls.front().first >= time;
}

}  // namespace boxlite::cli
