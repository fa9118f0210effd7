// SPDX-License-Identifier: Apache-2.0
#include "shim/health/health.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kept_output = 1024;
// What the guest gets on top of the limit of a command, to say itself that it took too long.
constexpr milliseconds answer_slack{2000};

}  // namespace

Health::Health(linux_::EventLoop& loop, Mux& mux, const shimlink::HealthRule& rule,
               std::function<void()> on_change)
    : loop_(loop), mux_(mux), rule_(rule), on_change_(std::move(on_change)), judge_(rule) {}

void Health::begin() {
  pause();
  judge_ = HealthJudge(rule_);
  last_output_.clear();
  began_ = linux_::EventLoop::Clock::now();
  resume();
}

void Health::pause() {
  is_probing_ = false;
  next_.reset();
  limit_.reset();
}

void Health::resume() {
  if (rule_.probe != shimlink::HealthProbe::none) schedule();
}

void Health::schedule() {
  next_ = loop_.after(rule_.interval, [this] { probe(); });
}

void Health::probe() {
  const auto number = ++number_;
  is_probing_ = true;
  output_.clear();
  const bool is_ping = rule_.probe == shimlink::HealthProbe::ping;
  limit_ = loop_.after(rule_.timeout + (is_ping ? milliseconds(0) : answer_slack), [this, number] {
    finish(number, false, concat("no answer within ", rule_.timeout.count(), " ms"));
  });
  if (is_ping) return ping(number);
  run_command(number);
}

void Health::ping(std::uint64_t number) {
  mux_.call<wire::GuestPing>({}, [this, number](Result<wire::msg::PingResponse> answer) {
    finish(number, answer.has_value(), answer ? std::string() : answer.error().message());
  });
}

void Health::run_command(std::uint64_t number) {
  auto request = wire::parse<wire::msg::ExecRequest>(rule_.command_request);
  if (!request) return finish(number, false, request.error().message());
  request->set_id(concat("health-", number));
  request->set_timeout_ms(static_cast<std::uint64_t>(rule_.timeout.count()));
  const auto keep = [this, number](std::string_view payload) {
    if (number != number_ || output_.size() >= kept_output) return;
    const auto message = wire::parse<wire::msg::ExecOutput>(payload);
    if (message) output_ += message->has_stderr() ? message->stderr() : message->stdout();
    output_.resize(std::min(output_.size(), kept_output));
  };
  mux_.open<wire::ExecStart>(*request, keep, [this, number](Result<wire::msg::ExecResult> result) {
    if (!result) return finish(number, false, result.error().message());
    const bool succeeded = result->has_exit_code() && result->exit_code() == 0 && !result->timed_out();
    auto output = result->timed_out() ? concat("no end within ", rule_.timeout.count(), " ms; ", output_)
                                      : concat(result->error(), output_);
    finish(number, succeeded, std::move(output));
  });
}

void Health::finish(std::uint64_t number, bool succeeded, std::string output) {
  // Of a machine that is gone, or too late.
  if (number != number_ || !std::exchange(is_probing_, false)) return;
  limit_.reset();
  const auto state = judge_.state();
  const auto failures = judge_.failures();
  judge_.judge(succeeded, linux_::EventLoop::Clock::now() - began_ < rule_.start_period);
  const bool has_changed = state != judge_.state() || failures != judge_.failures() || last_output_ != output;
  last_output_ = std::move(output);
  schedule();
  if (has_changed) on_change_();
}

}  // namespace boxlite::shim
