// SPDX-License-Identifier: Apache-2.0
// What clients ask of the shim itself.
#include <algorithm>
#include <utility>

#include <unistd.h>

#include "base/concat.h"
#include "shim/roles/shim.h"

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;

// What the end of the machine may take beyond the grace period of its processes.
constexpr milliseconds beyond_grace{2000};
// So much more where programs may have stored into folders: a busy host takes it in when it can.
constexpr milliseconds settling_limit{6000};
// An engine does it within milliseconds, unless the host swaps.
constexpr milliseconds pause_limit{2000};

}  // namespace

void Shim::on_shim_call(ShimCall call) {
  if (call.method == wire::ShimWaitReady::name) return answer_wait_ready(call);
  if (call.method == wire::ShimStop::name) return handle_stop(call);
  if (call.method == wire::ShimRename::name) return rename(call);
  if (call.method == wire::ShimLetGo::name) {
    watchdog_watch_.reset();
    return mux_->answer(call, wire::msg::LetGoResponse());
  }
  if (call.method == wire::ShimAttachFolder::name) return attach_folder(call);
  if (call.method == wire::ShimDetachFolder::name) return detach_folder(call);
  if (call.method == wire::ShimPublish::name) return publish(call);
  if (call.method == wire::ShimUnpublish::name) return unpublish(call);
  if (call.method == wire::ShimNetworkCounters::name) return answer_network_counters(call);
  if (call.method == wire::ShimCapture::name) return capture(call);
  if (call.method == wire::ShimSetNetworkPolicy::name) return set_network_policy(call);
  if (call.method == wire::ShimNextNetworkQuestion::name) return questions_->listen(call);
  if (call.method == wire::ShimPause::name) return handle_pause(call);
  if (call.method == wire::ShimResume::name) return handle_resume(call);
  if (call.method == wire::ShimWaitEnd::name) {
    if (end_) return mux_->answer(call, end_answer(*end_));
    return waiting_for_end_.push_back(call);
  }
  mux_->answer(call,
               Error(ErrorCode::unsupported, concat("no method ", in_quotes(call.method), " in the shim")));
}

void Shim::rename(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::RenameBoxRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  chronicle_->rename(request->name());
  mux_->answer(call, wire::msg::RenameBoxResponse());
}

void Shim::answer_wait_ready(const ShimCall& call) {
  if (why_finished_) return mux_->answer(call, *why_finished_);
  if (is_between_lives() || life_->state == State::booting || life_->main_is_pending) {
    return waiting_for_ready_.push_back(call);
  }
  // Known to be in vain, and why will be known at the machine's end.
  if (life_->boot_error || life_->main_was_impossible()) return waiting_for_ready_.push_back(call);
  wire::msg::WaitReadyResponse response;
  for (const auto& stage : life_->boot->stages()) {
    auto& entry = *response.add_stages();
    entry.set_name(stage.name);
    entry.set_duration_us(static_cast<std::uint64_t>(stage.duration.count()));
  }
  response.set_kernel_release(life_->boot->kernel_release());
  response.set_shim_pid(static_cast<std::uint32_t>(::getpid()));
  response.set_vmm_pid(static_cast<std::uint32_t>(record_.vmm_pid));
  mux_->answer(call, response);
}

void Shim::handle_pause(const ShimCall& call) {
  if (!is_up()) {
    return mux_->answer(call, not_running_error("pause"));
  }
  if (!life_->is_paused) {
    if (const auto paused = life_->machine->pause(Deadline::after(pause_limit)); !paused) {
      return mux_->answer(call, paused.error());
    }
    life_->is_paused = true;
    clock_keeper_->end();
    health_->pause();
    mux_->turn_away(Error(ErrorCode::invalid_state, concat("box ", in_quotes(config_.box_id), " is paused"))
                        .with_remedy(concat("boxlite unpause ", config_.box_id)));
    record_.phase = shimlink::ShimPhase::paused;
    write_shim_record();
    chronicle_->tell(journal::event_type::pause);
  }
  mux_->answer(call, wire::msg::PauseResponse());
}

void Shim::handle_resume(const ShimCall& call) {
  if (!is_up()) {
    return mux_->answer(call, not_running_error("unpause"));
  }
  if (const auto resumed = resume(); !resumed) return mux_->answer(call, resumed.error());
  mux_->answer(call, wire::msg::ResumeResponse());
}

Result<void> Shim::resume() {
  if (!life_->is_paused) return {};
  BOXLITE_TRY(life_->machine->resume(Deadline::after(pause_limit)));
  life_->is_paused = false;
  // The guest's clocks have stood still.
  (void)clock_keeper_->begin();
  clock_keeper_->tell_now();
  mux_->turn_away(std::nullopt);
  health_->resume();
  record_.phase = shimlink::ShimPhase::running;
  write_shim_record();
  chronicle_->tell(journal::event_type::unpause);
  return {};
}

void Shim::tell_time(Timestamp time) {
  if (!is_up()) return;
  wire::msg::SetClockRequest request;
  request.set_wall_clock_ns(static_cast<std::uint64_t>(time.time_since_epoch().count()));
  // An older agent, or one that cannot, is still one.
  mux_->call<wire::GuestSetClock>(request, [](const Result<wire::msg::SetClockResponse>&) {});
}

Error Shim::not_running_error(std::string_view verb) const {
  return Error(ErrorCode::invalid_state,
               concat(verb, " box ", in_quotes(config_.box_id), ": it is not running"));
}

wire::msg::WaitEndResponse Shim::end_answer(const shimlink::ExitRecord& end) {
  wire::msg::WaitEndResponse answer;
  if (end.exit_code) answer.set_exit_code(static_cast<std::uint32_t>(*end.exit_code));
  if (end.signal) answer.set_signal(static_cast<std::uint32_t>(*end.signal));
  const bool has_failed =
      end.reason == shimlink::ExitReason::boot_failed || end.reason == shimlink::ExitReason::vmm_failed;
  if (has_failed) answer.set_failure(end.message.empty() ? std::string(name(end.reason)) : end.message);
  return answer;
}

void Shim::handle_stop(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::StopRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  if (has_finished_) return mux_->answer(call, wire::msg::StopResponse());
  waiting_for_stop_.push_back(call);
  if (request->force()) {
    was_asked_to_stop_ = true;
    if (is_between_lives()) return end_between_lives();
    return force_end();
  }
  const milliseconds grace(request->grace_ms());
  const auto settling = folders_->is_empty() ? milliseconds(0) : settling_limit;
  stop(grace, grace + beyond_grace + settling, static_cast<int>(std::min(request->signal(), 64u)));
}

}  // namespace boxlite::shim
