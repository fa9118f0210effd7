// SPDX-License-Identifier: Apache-2.0
#include "shim/session/chronicle.h"

#include <utility>

#include "base/concat.h"

namespace boxlite::shim {
namespace {

using namespace std::chrono_literals;
using journal::Counter;
namespace type = journal::event_type;

constexpr std::chrono::milliseconds bytes_pause = 250ms;
constexpr std::chrono::milliseconds retry_pause = 1s;
// What a box has to say while the disk is full.
constexpr std::size_t most_late_events = 256;
// An event keeps the beginning; a command line may hold a whole program.
constexpr std::size_t longest_command = 1024;

std::string command_line(const wire::msg::ExecRequest& request) {
  std::string line;
  for (const auto& arg : request.args()) {
    if (!line.empty()) line += ' ';
    line += arg;
    if (line.size() > longest_command) break;
  }
  return line;
}

// The codes with which a shell, and the agent, say that a program could not be started.
bool has_failed_to_start(const wire::msg::ExecResult& result) {
  return !result.error().empty() && (result.exit_code() == 126 || result.exit_code() == 127);
}

}  // namespace

journal::EventAttributes end_attributes(const wire::msg::ExecResult& result) {
  journal::EventAttributes attributes;
  if (result.has_signal()) {
    attributes.emplace_back("signal", concat(result.signal()));
    attributes.emplace_back("exit_code", concat(128 + (result.signal() & 0x7f)));
  } else {
    attributes.emplace_back("exit_code", concat(result.exit_code() & 0xff));
  }
  if (result.timed_out()) attributes.emplace_back("timed_out", "true");
  if (result.oom_killed()) attributes.emplace_back("oom_killed", "true");
  if (!result.error().empty()) attributes.emplace_back("error", result.error());
  if (result.ended_at_ns() > result.started_at_ns() && result.started_at_ns() != 0) {
    attributes.emplace_back("duration_ms",
                            concat((result.ended_at_ns() - result.started_at_ns()) / 1'000'000));
  }
  return attributes;
}

Chronicle::Chronicle(linux_::EventLoop& loop, const shimlink::ShimConfig& config)
    : loop_(loop),
      box_id_(config.box_id),
      box_name_(config.box_name),
      events_(config.home),
      of_box_(config.box_dir / journal::counters_file_name),
      of_home_(config.home / journal::counters_file_name) {}

Chronicle::~Chronicle() {
  write_counters();
}

void Chronicle::tell(std::string_view type, journal::EventAttributes attributes) {
  if (late_events_.size() >= most_late_events) return;
  late_events_.push_back({.time = {},
                          .type = std::string(type),
                          .box_id = box_id_,
                          .box_name = box_name_,
                          .attributes = std::move(attributes)});
  write_events();
  if (!late_events_.empty()) write_soon(retry_pause);
}

// In order: what is new waits with the old.
void Chronicle::write_events() {
  while (!late_events_.empty()) {
    const auto written = events_.append(late_events_.front());
    if (!written && written.error().code() == ErrorCode::resource_exhausted) return;
    late_events_.pop_front();
  }
}

void Chronicle::count(Counter counter) {
  add(counter, 1, 0ms);
}

void Chronicle::add(Counter counter, std::uint64_t by, std::chrono::milliseconds pause) {
  for_box_[counter] += by;
  for_home_[counter] += by;
  write_soon(pause);
}

void Chronicle::count_main(const wire::msg::ExecResult& result) {
  count(Counter::commands);
  count_end(result);
}

void Chronicle::on_command(const wire::msg::ExecRequest& request) {
  if (request.is_main()) return;
  count(Counter::commands);
  journal::EventAttributes attributes{{"exec", request.id()}, {"command", command_line(request)}};
  if (!request.user().empty()) attributes.emplace_back("user", request.user());
  // After the request is on its way.
  loop_.post(
      [this, attributes = std::move(attributes)]() mutable { tell(type::exec, std::move(attributes)); });
}

void Chronicle::on_command_end(const std::string& id, const Result<wire::msg::ExecResult>& result) {
  if (result) {
    count_end(*result);
  } else {
    count(Counter::command_errors);
  }
  journal::EventAttributes attributes{{"exec", id}};
  if (result) {
    for (auto& attribute : end_attributes(*result)) attributes.push_back(std::move(attribute));
  } else {
    attributes.emplace_back("error", result.error().message());
  }
  const bool is_oom = result && result->oom_killed();
  // After the client has its answer.
  loop_.post([this, id, is_oom, attributes = std::move(attributes)]() mutable {
    if (is_oom) tell(type::oom, {{"exec", id}});
    tell(type::exec_die, std::move(attributes));
  });
}

void Chronicle::count_end(const wire::msg::ExecResult& result) {
  if (has_failed_to_start(result)) count(Counter::command_errors);
  if (result.timed_out()) count(Counter::command_timeouts);
  if (result.oom_killed()) count(Counter::command_oom_kills);
}

void Chronicle::on_bytes_to_guest(std::size_t count) {
  add(Counter::bytes_to_boxes, count, bytes_pause);
}

void Chronicle::on_bytes_from_guest(std::size_t count) {
  add(Counter::bytes_from_boxes, count, bytes_pause);
}

void Chronicle::write_soon(std::chrono::milliseconds pause) {
  const bool is_soon = pause == 0ms;
  if (is_due_ && (is_soon_ || !is_soon)) return;
  is_due_ = true;
  is_soon_ = is_soon;
  writing_ = loop_.after(pause, [this] { write_counters(); });
}

void Chronicle::write_counters() {
  is_due_ = false;
  write_events();
  if (of_box_.add(for_box_)) for_box_ = {};
  if (of_home_.add(for_home_)) for_home_ = {};
  // The disk is full, or somebody who held the lock was stopped.
  if (!late_events_.empty() || !for_box_.is_zero() || !for_home_.is_zero()) write_soon(retry_pause);
}

}  // namespace boxlite::shim
