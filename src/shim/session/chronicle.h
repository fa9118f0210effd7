// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "journal/counters.h"
#include "journal/event_log.h"
#include "linux/event_loop.h"
#include "shim/mux/mux.h"
#include "shimlink/shim_config.h"

namespace boxlite::shim {

// What a box does, for whoever watches: events into the log of the home, numbers into the counters of the box
// and of the home. The shim is the one to know: it sees every command, also those of clients that have gone.
// Nothing here fails: what cannot be written now is tried again or lost. One thread: the loop's.
//
// Commands are written down right after their client has its answer, bytes at most `bytes_pause` later, so
// that is what a kill -9 of the shim may cost.
class Chronicle final : public Mux::Observer {
 public:
  // The loop outlives it.
  Chronicle(linux_::EventLoop& loop, const shimlink::ShimConfig& config);
  // Writes what is left.
  ~Chronicle() override;

  // While the disk is full the first events wait for room; their time is that of their writing.
  void tell(std::string_view type, journal::EventAttributes attributes = {});
  // The box's name in the events to come.
  void rename(std::string name) { box_name_ = std::move(name); }
  void count(journal::Counter counter);
  // How the main command, which is no `exec`, has ended.
  void count_main(const wire::msg::ExecResult& result);

  // Mux::Observer
  void on_command(const wire::msg::ExecRequest& request) override;
  void on_command_end(const std::string& id, const Result<wire::msg::ExecResult>& result) override;
  void on_bytes_to_guest(std::size_t count) override;
  void on_bytes_from_guest(std::size_t count) override;

 private:
  void count_end(const wire::msg::ExecResult& result);
  void add(journal::Counter counter, std::uint64_t by, std::chrono::milliseconds pause);
  void write_soon(std::chrono::milliseconds pause);
  void write_events();
  void write_counters();

  linux_::EventLoop& loop_;
  const std::string box_id_;
  std::string box_name_;
  journal::EventLog events_;
  journal::Counters of_box_;
  journal::Counters of_home_;
  // Not written yet.
  std::deque<Event> late_events_;
  journal::CounterValues for_box_;
  journal::CounterValues for_home_;
  linux_::EventLoop::Timer writing_;
  bool is_due_ = false;   // a writing is under way
  bool is_soon_ = false;  // without a pause
};

// What an event says of an end: exit_code or signal, and what else is remarkable.
journal::EventAttributes end_attributes(const wire::msg::ExecResult& result);

}  // namespace boxlite::shim
