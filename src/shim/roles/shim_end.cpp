// SPDX-License-Identifier: Apache-2.0
// The ways a box ends.
#include <algorithm>
#include <csignal>
#include <utility>

#include "base/concat.h"
#include "base/reserve.h"
#include "shim/roles/shim.h"

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
constexpr milliseconds flush_pause{1};

// Of an exit record that a full disk has no room for.
constexpr std::size_t shortest_message = 1024;

std::string describe(const shimlink::ExitRecord& record) {
  if (record.reason != shimlink::ExitReason::main_exited) {
    return concat(name(record.reason), record.message.empty() ? "" : ": ", record.message);
  }
  if (!record.message.empty()) return concat("its main command could not be started: ", record.message);
  if (record.signal) return concat("its main command was ended by signal ", *record.signal);
  return concat("its main command ended with exit code ", record.exit_code.value_or(0));
}

// For commands that come too late.
Error main_ended_error(std::string_view box_id, const wire::msg::ExecResult& result) {
  const auto how = result.has_signal() ? concat("was ended by signal ", result.signal())
                                       : concat("ended with exit code ", result.exit_code());
  return Error(ErrorCode::invalid_state,
               concat("box ", in_quotes(box_id), " is stopping: its main command ", how))
      .with_remedy("give the box a command that stays, such as `sleep infinity`");
}

Error end_error(std::string_view box_id, const shimlink::ExitRecord& record) {
  return Error(ErrorCode::stopped, concat("box ", in_quotes(box_id), " has ended: ", describe(record)));
}

}  // namespace

void Shim::stop_gracefully() {
  stop(config_.stop_grace, std::max(graceful_limit, config_.stop_grace + beyond_grace), 0);
}

void Shim::stop(milliseconds grace, milliseconds limit, int signal) {
  if (has_finished_ || was_asked_to_stop_) return;
  was_asked_to_stop_ = true;
  if (is_between_lives()) return end_between_lives();
  // It is ending already, for a better reason.
  if (life_->main_end || life_->state == State::ended) return;
  // What stands still cannot shut down.
  if (life_->is_paused && !resume()) return force_end();
  // The client that asked for it may be gone before it is done.
  if (record_.phase == shimlink::ShimPhase::running) {
    record_.phase = shimlink::ShimPhase::stopping;
    write_shim_record();
  }
  // Nothing of the box has run yet, and nobody could answer.
  if (life_->state == State::booting) return end_machine();
  life_->state = State::stopping;
  life_->stop_timer = loop_->after(limit, [this] { force_end(); });
  wire::msg::ShutdownRequest request;
  request.set_grace_ms(static_cast<std::uint32_t>(grace.count()));
  request.set_signal(static_cast<std::uint32_t>(signal != 0 ? signal : config_.stop_signal));
  mux_->call<wire::GuestShutdown>(request, [this](Result<wire::msg::ShutdownResponse> response) {
    // The power goes next. An agent that refuses will not be asked twice.
    if (!response && response.error().code() != ErrorCode::stopped && life_->state != State::ended)
      force_end();
  });
}

void Shim::force_end() {
  life_->was_forced = true;
  end_machine();
}

void Shim::end_machine() {
  auto& life = *life_;
  if (life.state == State::ended || !life.machine) return;
  if (life.state == State::ready) life.state = State::stopping;
  // In order, if that is quick: a killed machine leaves its image files untidy, though whole.
  if (!life.machine->quit(Deadline::after(quit_limit))) life.machine->kill();
  life.stop_timer = loop_->after(beyond_grace, [this] { life_->machine->kill(); });
}

// ---- the main command ------------------------------------------------------------------------------------

void Shim::on_main_start(std::string_view exec_id) {
  if (!life_ || life_->main_end) return;
  if (life_->state == State::ready) return life_->main->follow(exec_id);
  // The request waits for the container.
  life_->early_main = exec_id;
}

void Shim::on_main_running() {
  log_->append(logs::RecordKind::start, {}, now());
  life_->main_has_run = true;
  if (!std::exchange(life_->main_is_pending, false)) return;
  answer_waiting();
}

void Shim::on_main_output(bool is_stderr, std::string_view bytes, std::uint64_t lost) {
  log_->lose(lost);
  log_->append(is_stderr ? logs::RecordKind::stderr_bytes : logs::RecordKind::stdout_bytes, bytes, now());
}

void Shim::on_main_result(Result<wire::msg::ExecResult> result) {
  const bool was_pending = std::exchange(life_->main_is_pending, false);
  if (result) {
    on_main_end(*result);
    // A command that ended at once has run; one that cannot run is an error for the client that waits.
    if (was_pending) answer_waiting();
    return;
  }
  // With the machine, whose end says more; or the command was a client's, which knows.
  if (result.error().code() == ErrorCode::stopped || !was_pending) return;
  life_->boot_error_phase = "main";
  life_->boot_error = Error(result.error().code(), concat("start box ", in_quotes(config_.box_id),
                                                          ": main command: ", result.error().message()))
                          .with_remedy(result.error().remedy());
  end_machine();
}

void Shim::on_main_end(const wire::msg::ExecResult& result) {
  auto& life = *life_;
  if (life.main_end) return;
  life.main_end = result;
  chronicle_->count_main(result);
  life.main_ended_first = !was_asked_to_stop_;
  mux_->turn_away(main_ended_error(config_.box_id, result));
  if (life.state != State::ready) return;
  life.state = State::stopping;
  if (config_.is_disposable && folders_->is_empty()) return life.machine->kill();
  if (config_.is_disposable) kill_once_settled();
  life.stop_timer = loop_->after(power_off_limit, [this] { end_machine(); });
}

// Processes may have mapped files of a folder, and their end writes them: the agent answers when that is
// done.
void Shim::kill_once_settled() {
  mux_->call<wire::GuestShutdown>(wire::msg::ShutdownRequest(),
                                  [this](const Result<wire::msg::ShutdownResponse>& response) {
                                    if (response && life_->machine && life_->state != State::ended)
                                      life_->machine->kill();
                                  });
}

// ---- the machine -----------------------------------------------------------------------------------------

void Shim::on_guest_lost(const Error& why) {
  // The usual sign of a machine that is about to end; watched as well.
  if (why.code() == ErrorCode::stopped) return;
  life_->guest_error = why;
  end_machine();
}

void Shim::fail_boot(const Error& why) {
  auto& life = *life_;
  if (life.state != State::booting || life.boot_error) return;
  life.boot_error_phase = life.boot->phase();
  const auto tail = console_log_->tail();
  auto message = concat("start box ", in_quotes(config_.box_id), ": phase ", life.boot->phase(), ": ",
                        why.message(), "; the machine runs, accelerator ", name(config_.machine.accelerator));
  if (!tail.empty()) message += concat("; last lines of the console:\n", tail);
  life.boot_error = Error(why.code(), std::move(message)).with_remedy(why.remedy());
  end_machine();
}

std::string Shim::describe_end(const engine::MachineEnd& end) const {
  std::string text;
  if (end.reason == engine::EndReason::ended) {
    // A kernel that panics ends its machine in order.
    const auto panic = console_log_->panic();
    text = panic.empty() ? "the guest ended by itself" : concat("the guest's kernel panicked: ", panic);
  }
  if (life_->guest_error) text = life_->guest_error->message();
  if (text.empty() || end.detail.empty()) return text + end.detail;
  return concat(text, ": ", end.detail);
}

shimlink::ExitRecord Shim::exit_record(const engine::MachineEnd& end) const {
  const auto& life = *life_;
  shimlink::ExitRecord record{.at = now()};
  if (life.main_end && life.main_end->has_signal())
    record.signal = static_cast<int>(life.main_end->signal() & 0x7f);
  if (life.main_end && life.main_end->has_exit_code())
    record.exit_code = static_cast<int>(life.main_end->exit_code() & 0xff);
  record.oom_killed = life.main_end && life.main_end->oom_killed();
  if (life.boot_error) {
    record.reason = shimlink::ExitReason::boot_failed;
    record.phase = life.boot_error_phase;
    record.message = life.boot_error->message();
    record.console_tail = console_log_->tail();
  } else if (life.main_ended_first) {
    record.reason = shimlink::ExitReason::main_exited;
    record.message = life.main_end->error();
  } else if (was_asked_to_stop_) {
    record.reason = life.was_forced ? shimlink::ExitReason::killed : shimlink::ExitReason::stopped;
    // The power went first, and the main command with it.
    if (life.main_has_run && !life.main_end) record.signal = SIGKILL;
  } else {
    record.reason = shimlink::ExitReason::vmm_failed;
    record.message = describe_end(end);
    record.console_tail = console_log_->tail();
  }
  return record;
}

void Shim::on_machine_end() {
  auto& life = *life_;
  drain_console(life_->console.get(), *console_log_);
  // What the guest said last, before its end is told.
  mux_->drain_guest();
  const auto ended = life.machine->wait(Deadline::after(quit_limit));
  const auto end = ended ? *ended : engine::MachineEnd();
  if (life.state == State::booting && !life.boot_error && !was_asked_to_stop_) note_failed_boot(end);
  end_life(exit_record(end));
}

void Shim::note_failed_boot(const engine::MachineEnd& end) {
  auto& life = *life_;
  const bool is_short = end.reason == engine::EndReason::lacks_resources;
  life.boot_error_phase = life.boot->phase();
  if (end.reason == engine::EndReason::cannot_restore) life.boot_error_phase = shimlink::no_restoring_phase;
  if (is_short) life.boot_error_phase = shimlink::resources_phase;
  auto message = concat("start box ", in_quotes(config_.box_id), ": phase ", life.boot_error_phase, ": ",
                        describe_end(end));
  if (const auto tail = console_log_->tail(); !tail.empty())
    message += concat("; last lines of the console:\n", tail);
  life.boot_error =
      Error(is_short ? ErrorCode::resource_exhausted : ErrorCode::unavailable, std::move(message));
}

void Shim::end_life(const shimlink::ExitRecord& record) {
  auto& life = *life_;
  life.state = State::ended;
  life.boot_timer.reset();
  life.stop_timer.reset();
  if (network_) network_->disconnect();
  if (health_) health_->pause();
  if (idle_watch_) idle_watch_->end();
  if (clock_keeper_) clock_keeper_->end();
  tell_end(record);
  // A box that has never worked is not tried again: the user who starts it is there to see why.
  const bool may_restart =
      !was_asked_to_stop_ && was_ready_ && !(life.main_was_impossible() && restart_judge_.count() == 0);
  if (may_restart) {
    const auto lasted =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - life.began);
    if (const auto pause = restart_judge_.next(record, lasted)) return restart_after(*pause, record);
  }
  if (life.boot_error) why_finished_ = *life.boot_error;
  if (life.is_paused) mux_->turn_away(std::nullopt);
  finish(record);
}

void Shim::restart_after(milliseconds pause, const shimlink::ExitRecord& record) {
  last_end_ = record;
  record_.phase = shimlink::ShimPhase::restarting;
  record_.restart_count = restart_judge_.count();
  record_.vmm_pid = 0;
  chronicle_->tell(journal::event_type::restart, {{"count", std::to_string(record_.restart_count)},
                                                  {"pause_ms", std::to_string(pause.count())}});
  write_shim_record();
  mux_->turn_away(std::nullopt);
  mux_->refuse(Error(ErrorCode::unavailable,
                     concat("box ", in_quotes(config_.box_id), " is restarting: ", describe(record)))
                   .with_remedy("try again when it runs; `boxlite logs` shows what it wrote"));
  restart_timer_ = loop_->after(pause, [this] {
    last_end_.reset();
    if (auto begun = begin_life(); !begun) {
      // No machine this time: one more failure, which counts like any other.
      life_->boot_error = begun.error();
      end_life(start_failure(begun.error()));
    }
  });
}

void Shim::end_between_lives() {
  restart_timer_.reset();
  auto record = *std::exchange(last_end_, std::nullopt);
  record.reason = shimlink::ExitReason::stopped;
  record.at = now();
  // It ended with its machine, of itself or not.
  if (!record.exit_code && !record.signal) record.signal = SIGKILL;
  finish(record);
}

void Shim::finish(const shimlink::ExitRecord& record) {
  has_finished_ = true;
  end_ = record;
  // Before the clients know: one that sees the connection end can read why.
  outcome_ = write_exit_record(record);
  if (!mux_) return loop_->stop();
  if (!why_finished_) why_finished_ = end_error(config_.box_id, record);
  mux_->refuse(*why_finished_);
  for (const auto& call : std::exchange(waiting_for_ready_, {})) mux_->answer(call, *why_finished_);
  for (const auto& call : std::exchange(waiting_for_end_, {})) mux_->answer(call, end_answer(record));
  for (const auto& call : std::exchange(waiting_for_stop_, {})) mux_->answer(call, wire::msg::StopResponse());
  flush_deadline_ = std::chrono::steady_clock::now() + flush_limit;
  leave_when_flushed();
}

// In the room that was taken for it; what is longer, with the home's reserve, and at last without what people
// only like to know.
Result<void> Shim::write_exit_record(const shimlink::ExitRecord& record) {
  const auto write = [this](const shimlink::ExitRecord& wanted) {
    return with_reserve(config_.home, [&] { return exit_file_.replace_durably(shimlink::to_json(wanted)); });
  };
  auto written = write(record);
  if (written || written.error().code() != ErrorCode::resource_exhausted) return written;
  auto shorter = record;
  shorter.console_tail.clear();
  shorter.message.resize(std::min(shorter.message.size(), shortest_message));
  return write(shorter);
}

void Shim::tell_end(const shimlink::ExitRecord& record) {
  if (!chronicle_) return;
  const auto* main_end = life_ && life_->main_end ? &*life_->main_end : nullptr;
  auto attributes = main_end != nullptr ? end_attributes(*main_end) : journal::EventAttributes();
  if (main_end == nullptr && record.signal) {
    attributes.emplace_back("signal", concat(*record.signal));
    attributes.emplace_back("exit_code", concat(128 + *record.signal));
  }
  attributes.emplace_back("reason", shimlink::name(record.reason));
  if (!record.message.empty()) attributes.emplace_back("error", record.message);
  if (main_end != nullptr && main_end->oom_killed())
    chronicle_->tell(journal::event_type::oom, {{"exec", "main"}});
  chronicle_->tell(journal::event_type::die, std::move(attributes));
}

// Clients that connected a moment ago are served too: one more turn of the loop, then until all is written.
void Shim::leave_when_flushed() {
  flush_timer_ = loop_->after(flush_pause, [this] {
    if (mux_->is_flushed() || std::chrono::steady_clock::now() >= flush_deadline_) return loop_->stop();
    leave_when_flushed();
  });
}

}  // namespace boxlite::shim
