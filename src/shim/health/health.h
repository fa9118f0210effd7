// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "linux/event_loop.h"
#include "shim/health/health_judge.h"
#include "shim/mux/mux.h"
#include "shimlink/health_rule.h"

namespace boxlite::shim {

// Probes a box at intervals, from the end of one probe to the begin of the next. One thread: the loop's.
class Health {
 public:
  // `on_change`: state, number of failures or last output differ. All outlive it.
  Health(linux_::EventLoop& loop, Mux& mux, const shimlink::HealthRule& rule,
         std::function<void()> on_change);

  // A machine is ready: from now on there are probes.
  void begin();
  // It is gone, or stands still: whatever is under way is forgotten.
  void pause();
  // It goes on.
  void resume();

  HealthStatus state() const { return judge_.state(); }
  unsigned failures() const { return judge_.failures(); }
  // The beginning of what the last command wrote, or why there was none.
  const std::string& last_output() const { return last_output_; }

 private:
  void schedule();
  void probe();
  void ping(std::uint64_t number);
  void run_command(std::uint64_t number);
  void finish(std::uint64_t number, bool succeeded, std::string output);

  linux_::EventLoop& loop_;
  Mux& mux_;
  const shimlink::HealthRule& rule_;
  const std::function<void()> on_change_;
  HealthJudge judge_;
  std::uint64_t number_ = 0;  // of the probe under way, or of the last one
  bool is_probing_ = false;
  std::string output_;  // of the probe under way
  std::string last_output_;
  linux_::EventLoop::Clock::time_point began_;
  linux_::EventLoop::Timer next_;
  linux_::EventLoop::Timer limit_;
};

}  // namespace boxlite::shim
