// SPDX-License-Identifier: Apache-2.0
#include "shim/health/idle_watch.h"

#include <algorithm>
#include <utility>

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;

// How late the end of the idle time may be noticed, at most.
constexpr milliseconds longest_pause{5000};
constexpr milliseconds shortest_pause{50};
constexpr std::string_view main_id = "main";
constexpr std::string_view health_prefix = "health-";

}  // namespace

void IdleWatch::begin(milliseconds limit) {
  limit_ = limit;
  last_busy_ = linux_::EventLoop::Clock::now();
  seen_streams_ = mux_.client_streams_so_far();
  look_later();
}

void IdleWatch::end() {
  ++round_;
  timer_.reset();
}

void IdleWatch::look_later() {
  timer_ = loop_.after(std::clamp(limit_ / 4, shortest_pause, longest_pause), [this] { look(); });
}

void IdleWatch::look() {
  // One that came and went since the last look counts as well.
  const auto streams = mux_.client_streams_so_far();
  const bool is_busy = mux_.client_stream_count() > 0 || std::exchange(seen_streams_, streams) != streams;
  if (is_busy) return note(true);
  ask_guest();
}

void IdleWatch::ask_guest() {
  // Also without an answer: a guest that hangs is not busy for anybody.
  const auto round = ++round_;
  timer_ = loop_.after(longest_pause, [this] { note(false); });
  mux_.call<wire::ExecList>({}, [this, round](Result<wire::msg::ListExecsResponse> list) {
    if (round != round_) return;
    note(list && std::ranges::any_of(list->execs(), [](const wire::msg::ExecSummary& exec) {
           return exec.is_running() && exec.id() != main_id && !exec.id().starts_with(health_prefix);
         }));
  });
}

void IdleWatch::note(bool is_busy) {
  ++round_;
  const auto now = linux_::EventLoop::Clock::now();
  if (is_busy) last_busy_ = now;
  if (now - last_busy_ < limit_) return look_later();
  timer_.reset();
  on_idle_();
}

}  // namespace boxlite::shim
