// SPDX-License-Identifier: Apache-2.0
#include "shim/roles/template_maker.h"

#include <utility>

#include "base/concat.h"
#include "shim/session/connected_machine.h"
#include "shimlink/shim_record.h"

namespace boxlite::shim {
namespace {

// What the guest has put off would else be done by every box. A kernel that boots looks a second later how
// fast its clock went.
constexpr std::chrono::milliseconds boot_settling_time{1200};
constexpr std::chrono::milliseconds settling_time{100};
constexpr std::chrono::milliseconds save_limit{30'000};
constexpr std::chrono::milliseconds end_limit{5000};

}  // namespace

Result<void> TemplateMaker::run() {
  loop_ = BOXLITE_TRY(linux_::EventLoop::create());
  console_log_ = BOXLITE_TRY(
      ConsoleLog::create(config_.box_dir / shimlink::console_log_name, config_.console_log_bytes));
  BOXLITE_TRY(watch_parent());
  BOXLITE_TRY(launch());
  const auto limit = config_.boot_timeout.count() != 0
                         ? config_.boot_timeout
                         : shimlink::default_boot_timeout(config_.machine.accelerator);
  limit_ =
      loop_->after(limit, [this] { end(fail(ErrorCode::timed_out, "boot template: no answer in time")); });
  boot_ = std::make_unique<Boot>(*mux_, config_, nullptr);
  boot_->begin("start", [this](Result<void> booted) {
    if (!booted) return end(std::move(booted));
    settling_ = loop_->after(config_.from ? settling_time : boot_settling_time, [this] { end(save()); });
  });
  while (!outcome_) BOXLITE_TRY(loop_->run_once(Deadline::never()));
  return *outcome_;
}

Result<void> TemplateMaker::watch_parent() {
  const auto give_up = [this](auto) {
    watchdog_watch_.reset();
    signal_watch_.reset();
    end(fail(ErrorCode::stopped, "make template: the process that asked for it has ended"));
  };
  if (inherited_.watchdog.is_open())
    watchdog_watch_ = BOXLITE_TRY(loop_->watch(inherited_.watchdog.get(), true, false, give_up));
  signal_watch_ = BOXLITE_TRY(loop_->watch(inherited_.signals.get(), true, false, give_up));
  return {};
}

Result<void> TemplateMaker::launch() {
  auto launched = BOXLITE_TRY(
      launch_connected(engine_, config_.machine, config_.from, config_.box_dir, inherited_.lock.get()));
  console_ = std::move(launched.console);
  link_ = std::move(launched.link);
  machine_ = std::move(launched.machine);
  mux_ = BOXLITE_TRY(Mux::create(*loop_, std::move(launched.port), *this));
  console_watch_ = BOXLITE_TRY(loop_->watch(console_.get(), true, false, [this](auto) {
    if (!drain_console(console_.get(), *console_log_)) console_watch_.reset();
  }));
  machine_watch_ = BOXLITE_TRY(loop_->watch_exit(machine_->end_fd(), [this] {
    const auto ended = machine_->wait(Deadline::after(end_limit));
    end(fail(ErrorCode::stopped,
             concat("boot template: the machine ended: ", ended ? ended->detail : std::string())));
  }));
  return {};
}

Result<void> TemplateMaker::save() {
  machine_watch_.reset();
  BOXLITE_TRY(machine_->snapshot({.into = *config_.snapshot_into}, Deadline::after(save_limit)));
  const auto ended = BOXLITE_TRY(machine_->wait(Deadline::after(end_limit)));
  if (ended.reason != engine::EndReason::ended)
    return fail(ErrorCode::internal, concat("save template: ", ended.detail));
  return {};
}

void TemplateMaker::end(Result<void> outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
}

void TemplateMaker::on_shim_call(ShimCall call) {
  mux_->answer(call, Error(ErrorCode::unsupported, "this machine is being saved and holds no box"));
}

}  // namespace boxlite::shim
