// SPDX-License-Identifier: Apache-2.0
// The ways a box ends.
#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "base/files.h"
#include "shim/shim.h"

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;

// A stop that nobody gave a time for: the guest has this long, all in all.
constexpr milliseconds graceful_limit{8000};
// What the end of the machine may take beyond the grace period of its processes.
constexpr milliseconds beyond_grace{2000};
// A guest whose main command has ended powers itself off.
constexpr milliseconds power_off_limit{10'000};
constexpr milliseconds quit_limit{500};
// How long clients that do not read may delay the end.
constexpr milliseconds flush_limit{1000};
constexpr milliseconds flush_pause{5};

constexpr std::size_t complaint_lines = 5;

}  // namespace

void Shim::handle_stop(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::StopRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  waiting_for_stop_.push_back(call);
  if (request->force()) {
    was_asked_to_stop_ = true;
    was_forced_ = true;
    return end_machine();
  }
  const milliseconds grace(request->grace_ms());
  stop(grace, grace + beyond_grace);
}

void Shim::stop_gracefully() {
  stop(config_.stop_grace, std::max(graceful_limit, config_.stop_grace + beyond_grace));
}

void Shim::stop(milliseconds grace, milliseconds limit) {
  if (state_ == State::ended || was_asked_to_stop_) return;
  // It is ending already, for a better reason.
  if (main_end_) return;
  was_asked_to_stop_ = true;
  // Nothing of the box has run yet, and nobody could answer.
  if (state_ == State::booting) return end_machine();
  state_ = State::stopping;
  stop_timer_ = loop_->after(limit, [this] {
    was_forced_ = true;
    end_machine();
  });
  wire::msg::ShutdownRequest request;
  request.set_grace_ms(static_cast<std::uint32_t>(grace.count()));
  mux_->call<wire::GuestShutdown>(request, [this](Result<wire::msg::ShutdownResponse> response) {
    // The power goes next. An agent that refuses will not be asked twice.
    if (!response && response.error().code() != ErrorCode::stopped && state_ != State::ended) end_machine();
  });
}

void Shim::end_machine() {
  if (state_ == State::ended) return;
  if (state_ == State::ready) state_ = State::stopping;
  // In order, if that is quick: a killed QEMU leaves its image files untidy, though whole.
  if (!machine_->quit(Deadline::after(quit_limit))) machine_->kill();
  stop_timer_ = loop_->after(beyond_grace, [this] { machine_->kill(); });
}

void Shim::on_main_end(const wire::msg::ExecResult& result) {
  main_end_ = result;
  chronicle_->count_main(result);
  main_ended_first_ = !was_asked_to_stop_;
  if (state_ != State::ready) return;
  state_ = State::stopping;
  stop_timer_ = loop_->after(power_off_limit, [this] { end_machine(); });
}

void Shim::on_guest_lost(const Error& why) {
  // The usual sign of a machine that is about to end; watched as well.
  if (why.code() == ErrorCode::stopped) return;
  guest_error_ = why;
  end_machine();
}

void Shim::fail_boot(const Error& why) {
  if (state_ != State::booting || boot_error_) return;
  boot_error_phase_ = boot_->phase();
  const auto tail = console_log_->tail();
  auto message = concat("start box ", in_quotes(config_.box_id), ": phase ", boot_->phase(), ": ",
                        why.message(), "; QEMU runs, accelerator ", name(config_.machine.accelerator));
  if (!tail.empty()) message += concat("; last lines of the console:\n", tail);
  boot_error_ = Error(why.code(), std::move(message)).with_remedy(why.remedy());
  end_machine();
}

std::string Shim::vmm_complaints() const {
  const auto text = read_file(config_.box_dir / vmm::vmm_stderr_name);
  return text ? last_lines(*text, complaint_lines) : std::string();
}

std::string Shim::describe_end(const linux_::ChildEnd& end) const {
  const bool is_clean = end.signal == 0 && end.exit_code == 0;
  auto text =
      is_clean ? std::string("the guest ended by itself") : concat("QEMU ended with ", to_string(end));
  // QEMU's exit code is the same as after an orderly end.
  if (is_clean && console_log_->tail().find("Kernel panic") != std::string::npos) {
    text = "the guest's kernel panicked";
  }
  if (guest_error_) text = guest_error_->message();
  if (const auto complaints = vmm_complaints(); !complaints.empty()) text += concat(": ", complaints);
  return text;
}

vmm::ExitRecord Shim::exit_record(const linux_::ChildEnd& end) const {
  vmm::ExitRecord record{.at = now()};
  if (main_end_ && main_end_->has_signal()) record.signal = static_cast<int>(main_end_->signal() & 0x7f);
  if (main_end_ && main_end_->has_exit_code())
    record.exit_code = static_cast<int>(main_end_->exit_code() & 0xff);
  if (boot_error_) {
    record.reason = vmm::ExitReason::boot_failed;
    record.phase = boot_error_phase_;
    record.message = boot_error_->message();
  } else if (main_ended_first_) {
    record.reason = vmm::ExitReason::main_exited;
  } else if (was_asked_to_stop_) {
    record.reason = was_forced_ ? vmm::ExitReason::killed : vmm::ExitReason::stopped;
  } else {
    record.reason = vmm::ExitReason::vmm_failed;
    record.message = describe_end(end);
    record.console_tail = console_log_->tail();
  }
  if (boot_error_) record.console_tail = console_log_->tail();
  return record;
}

void Shim::on_machine_end() {
  read_console();
  const auto ended = machine_->wait(Deadline::after(quit_limit));
  const auto end = ended ? *ended : linux_::ChildEnd{};
  if (state_ == State::booting && !boot_error_ && !was_asked_to_stop_) {
    const auto tail = console_log_->tail();
    boot_error_phase_ = boot_->phase();
    auto message =
        concat("start box ", in_quotes(config_.box_id), ": phase ", boot_->phase(), ": ", describe_end(end));
    if (!tail.empty()) message += concat("; last lines of the console:\n", tail);
    boot_error_ = Error(ErrorCode::unavailable, std::move(message));
  }
  finish(exit_record(end));
}

void Shim::finish(const vmm::ExitRecord& record) {
  state_ = State::ended;
  boot_timer_.reset();
  stop_timer_.reset();
  // Before the clients know: whoever sees the connection end can read why.
  outcome_ = write_file_atomic(config_.box_dir / vmm::exit_record_name, vmm::to_json(record));
  tell_end(record);
  if (!mux_) return loop_->stop();
  const auto why = boot_error_
                       ? *boot_error_
                       : Error(ErrorCode::stopped,
                               concat("box ", in_quotes(config_.box_id), " has ended: ", name(record.reason),
                                      record.message.empty() ? "" : ": ", record.message));
  mux_->refuse(why);
  for (const auto& call : std::exchange(waiting_for_ready_, {})) mux_->answer(call, why);
  for (const auto& call : std::exchange(waiting_for_stop_, {})) mux_->answer(call, wire::msg::StopResponse());
  flush_deadline_ = std::chrono::steady_clock::now() + flush_limit;
  leave_when_flushed();
}

void Shim::tell_end(const vmm::ExitRecord& record) {
  if (!chronicle_) return;
  auto attributes = main_end_ ? end_attributes(*main_end_) : store::EventAttributes();
  attributes.emplace_back("reason", vmm::name(record.reason));
  if (!record.message.empty()) attributes.emplace_back("error", record.message);
  if (main_end_ && main_end_->oom_killed()) chronicle_->tell(store::event_type::oom, {{"exec", "main"}});
  chronicle_->tell(store::event_type::die, std::move(attributes));
}

// Clients that connected a moment ago are served too: one more turn of the loop, then until all is written.
void Shim::leave_when_flushed() {
  flush_timer_ = loop_->after(flush_pause, [this] {
    if (mux_->is_flushed() || std::chrono::steady_clock::now() >= flush_deadline_) return loop_->stop();
    leave_when_flushed();
  });
}

}  // namespace boxlite::shim
