// SPDX-License-Identifier: Apache-2.0
#include "box/life/lifecycle.h"

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fcntl.h>

#include "agentlink/connection.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/reserve.h"
#include "box/life/announcement.h"
#include "box/life/start_plan.h"
#include "box/life/status.h"
#include "box/spec/container_spec.h"
#include "box/spec/spec_json.h"
#include "linux/process/process_identity.h"

namespace boxlite::box {
namespace {

using namespace std::chrono_literals;

// What the shim needs beyond the grace period to end a guest that does not listen.
constexpr std::chrono::milliseconds stop_slack = 10s;
constexpr std::chrono::milliseconds usual_grace = 2s;
constexpr std::chrono::milliseconds force_slack = 3s;
constexpr std::chrono::milliseconds kill_limit = 10s;

Error running_error(std::string_view id) {
  return Error(ErrorCode::invalid_state, concat("box ", id, " is running"))
      .with_remedy("stop it first, or force the removal");
}

Error job_done_error(const store::BoxRecord& record) {
  const auto& state = record.state;
  auto text = concat("box ", record.id, " is ", state.status);
  if (state.exit_code) text += concat(": its command ended with exit code ", *state.exit_code);
  return Error(ErrorCode::invalid_state, std::move(text))
      .with_remedy(
          concat("boxlite start ", record.name.empty() ? record.id : record.name, " runs its command again"));
}

Error paused_error(const store::BoxRecord& record) {
  return Error(ErrorCode::invalid_state, concat("box ", record.id, " is paused"))
      .with_remedy(concat("boxlite unpause ", record.name.empty() ? record.id : record.name));
}

MainStart main_start(Lifecycle::StartMode mode) {
  if (mode == Lifecycle::StartMode::first) return MainStart::by_client;
  return mode == Lifecycle::StartMode::maintenance ? MainStart::none : MainStart::by_shim;
}

}  // namespace

Lifecycle::Lifecycle(Surroundings& around, std::string id)
    : around_(around), id_(std::move(id)), paths_(around.home(), id_) {}

Result<linux_::FileLock> Lifecycle::lock(const Deadline& deadline) {
  auto held = with_reserve(around_.home(), [&]() -> Result<linux_::FileLock> {
    BOXLITE_TRY(make_directories(paths_.directory));
    return linux_::FileLock::acquire(paths_.lock(), linux_::LockMode::exclusive, deadline);
  });
  if (held || held.error().code() != ErrorCode::timed_out) return held;
  return fail(
      std::move(held).error().with_remedy("another process is starting, stopping or removing this box"));
}

Result<SpecEdit> Lifecycle::edit() {
  BOXLITE_TRY(around_.boxes().get(id_));
  auto held = BOXLITE_TRY(lock(Deadline::after(lock_limit)));
  auto record = BOXLITE_TRY(reconcile());
  auto spec = BOXLITE_TRY(parse_box_spec(record.spec));
  return SpecEdit(around_, std::move(held), std::move(record), std::move(spec));
}

Result<store::BoxRecord> Lifecycle::look() {
  return BOXLITE_TRY(observe()).record;
}

Result<Lifecycle::Observation> Lifecycle::observe() {
  Observation seen;
  seen.record = BOXLITE_TRY(around_.boxes().get(id_));
  seen.evidence = BOXLITE_TRY(gather_evidence(paths_));
  if (settled_state(seen.record.state, seen.evidence, now()) == seen.record.state) return seen;
  auto held = linux_::FileLock::try_acquire(paths_.lock(), linux_::LockMode::exclusive);
  if (held) {
    seen.record = BOXLITE_TRY(reconcile());
    return seen;
  }
  // Somebody is at it and will enter the outcome; a missing directory is a box that never started.
  const auto code = held.error().code();
  if (code == ErrorCode::unavailable || code == ErrorCode::not_found) return seen;
  return std::unexpected(std::move(held).error());
}

Result<store::BoxRecord> Lifecycle::reconcile() {
  auto record = BOXLITE_TRY(around_.boxes().get(id_));
  const auto evidence = BOXLITE_TRY(gather_evidence(paths_));
  auto state = settled_state(record.state, evidence, now());
  bool is_recorded = true;
  if (state != record.state) {
    const auto written = around_.boxes().set_state(id_, state);
    is_recorded = written.has_value();
    // With a full disk the truth is still told, and entered by the next look when there is room again.
    if (!written && written.error().code() != ErrorCode::resource_exhausted) {
      return std::unexpected(written.error());
    }
    if (written) tell_end(record, state, evidence);
  }
  record.state = std::move(state);
  if (evidence.exit && is_recorded) {
    // Entered once; kept beside for people who look for the cause of something.
    std::error_code ignored;
    std::filesystem::rename(paths_.exit_record(), paths_.previous_exit_record(), ignored);
  }
  return record;
}

// The end of a machine, by the process that enters it. A shim that could still write its exit record has told
// of it itself.
void Lifecycle::tell_end(const store::BoxRecord& before, const store::BoxState& after,
                         const Evidence& evidence) {
  const auto was = parse_status(before.state.status);
  const auto is = parse_status(after.status);
  if (is != BoxStatus::stopped && is != BoxStatus::failed) return;
  if (was == BoxStatus::stopped || was == BoxStatus::failed || was == BoxStatus::configured) return;
  count(around_, is == BoxStatus::failed ? journal::Counter::boxes_failed : journal::Counter::boxes_stopped);
  if (!evidence.exit)
    announce(around_, before, journal::event_type::die, {{"reason", "lost"}, {"error", after.failure}});
}

Result<void> Lifecycle::start(StartMode mode, const Call& call, const StartOptions& options) {
  auto [record, evidence] = BOXLITE_TRY(observe());
  if (evidence.is_alive && evidence.shim && evidence.shim->phase == shimlink::ShimPhase::paused) {
    return fail(paused_error(record));
  }
  const bool is_in_maintenance = evidence.is_alive && evidence.shim && evidence.shim->is_maintenance;
  if (record.state.status == name(BoxStatus::running) && mode != StartMode::maintenance &&
      is_in_maintenance) {
    BOXLITE_TRY(stop({}, call.until()));
    record = BOXLITE_TRY(look());
  }
  if (record.state.status == name(BoxStatus::running)) {
    if (mode != StartMode::first) return {};
    return fail(Error(ErrorCode::invalid_state, concat("box ", id_, " is running already"))
                    .with_remedy("run another command in it with exec, or stop it first"));
  }
  auto spec = BOXLITE_TRY(parse_box_spec(record.spec));
  if (options.detach) spec.detach = true;
  // A sandbox is as good for files as for commands.
  if (mode == StartMode::maintenance && !is_job(spec)) mode = StartMode::implicit;
  if (mode == StartMode::implicit && is_job(spec) && record.state.status != name(BoxStatus::configured))
    return fail(job_done_error(record));
  StartPlan plan(around_, record, spec, call, main_start(mode));
  auto intention = BOXLITE_TRY(intend_to_start(spec, call));
  auto started = plan.prepare();
  if (started) started = launch(plan, mode, call);
  if (!started && intention) std::move(*intention).withdraw();
  if (!started) return fail(call.explain(std::move(started).error()));
  return {};
}

Result<std::optional<StartIntention>> Lifecycle::intend_to_start(const BoxSpec& spec, const Call& call) {
  std::optional<StartIntention> intention;
  if (!spec.auto_remove) return intention;
  const auto held = BOXLITE_TRY(lock(call.within(lock_limit)));
  const auto record = reconcile();
  // Somebody else was faster; what lock() made must go again.
  if (!record && record.error().code() == ErrorCode::not_found) (void)remove_tree(paths_.directory);
  if (!record) return std::unexpected(record.error());
  if (record->state.status == name(BoxStatus::configured))
    intention = BOXLITE_TRY(StartIntention::declare(paths_));
  return intention;
}

Result<void> Lifecycle::launch(StartPlan& plan, StartMode mode, const Call& call) {
  const auto held = BOXLITE_TRY(lock(call.within(lock_limit)));
  const auto record = BOXLITE_TRY(reconcile());
  if (record.state.status == name(BoxStatus::running)) {
    if (mode != StartMode::first) return {};
    return fail(ErrorCode::invalid_state,
                concat("box ", id_, " is running already: another process started it"));
  }
  announce(around_, record, journal::event_type::start);
  auto launched = plan.launch(record);
  if (launched) launched = around_.boxes().set_state(id_, plan.running_state());
  if (!launched) {
    plan.undo();
    if (call.is_over())
      record_cancelled_start(record);
    else
      (void)record_failure(record, launched.error());
    return launched;
  }
  count(around_, journal::Counter::boxes_started);
  plan.hand_over_shim();
  return {};
}

void Lifecycle::record_cancelled_start(const store::BoxRecord& record) {
  // The shim's end must not be taken for that of a box that ran.
  std::error_code absent;
  std::filesystem::rename(paths_.exit_record(), paths_.previous_exit_record(), absent);
  announce(around_, record, journal::event_type::die, {{"reason", "start_cancelled"}});
}

Result<void> Lifecycle::record_failure(store::BoxRecord record, const Error& error) {
  auto& state = record.state;
  const auto exit = shimlink::read_exit_record(paths_.directory);
  std::error_code absent;
  std::filesystem::rename(paths_.exit_record(), paths_.previous_exit_record(), absent);
  // Else the shim has told of it.
  if (absent)
    announce(around_, record, journal::event_type::die,
             {{"reason", "start_failed"}, {"error", error.message()}});
  count(around_, journal::Counter::boxes_failed);
  state.status = name(BoxStatus::failed);
  state.failure = error.message();
  state.stopped_at = to_rfc3339(now());
  state.exit_code = exit ? exit->exit_code : std::nullopt;
  state.oom_killed = exit && exit->oom_killed;
  state.shim_pid.reset();
  state.vmm_pid.reset();
  BOXLITE_TRY(around_.boxes().set_state(id_, state));
  return erase_if_due(record);
}

Result<void> Lifecycle::stop(const StopOptions& options, const Deadline& deadline) {
  // A force does not wait for a process that is starting the box: that start then fails.
  if (options.force && BOXLITE_TRY(shimlink::is_shim_alive(paths_.directory)))
    (void)ask_to_stop(options, deadline);
  auto record = BOXLITE_TRY(look());
  if (record.state.status == name(BoxStatus::configured)) return {};
  const auto held = BOXLITE_TRY(lock(deadline.within(lock_limit)));
  record = BOXLITE_TRY(reconcile());
  const bool ran = record.state.status == name(BoxStatus::running);
  auto stopping = options;
  if (!stopping.grace) stopping.grace = BOXLITE_TRY(parse_box_spec(record.spec)).stop_timeout;
  BOXLITE_TRY(stop_machine(record, stopping, deadline));
  if (ran) announce(around_, record, journal::event_type::stop);
  return erase_if_due(record);
}

Result<void> Lifecycle::stop_machine(store::BoxRecord& record, const StopOptions& options,
                                     const Deadline& deadline) {
  if (record.state.status != name(BoxStatus::running)) return {};
  record.state.status = name(BoxStatus::stopping);
  auto written = with_reserve(around_.home(), [&] { return around_.boxes().set_state(id_, record.state); });
  // A full disk is a reason to stop a box, not one against it.
  if (!written && written.error().code() != ErrorCode::resource_exhausted) return written;
  auto asked = ask_to_stop(options, deadline);
  if (!asked && deadline.has_passed()) return asked;
  if (!asked) BOXLITE_TRY(kill_machine());
  BOXLITE_TRY(wait_until_gone(deadline.within(kill_limit)));
  record = BOXLITE_TRY(reconcile());
  return {};
}

Result<void> Lifecycle::ask_to_stop(const StopOptions& options, const Deadline& deadline) {
  const auto grace = options.grace.value_or(usual_grace);
  const auto limit = deadline.within(grace + (options.force ? force_slack : stop_slack));
  const auto connection =
      BOXLITE_TRY(agentlink::Connection::connect(around_.loop(), paths_.agent_socket(), limit));
  wire::msg::StopRequest request;
  request.set_grace_ms(static_cast<std::uint32_t>(grace.count()));
  request.set_signal(static_cast<std::uint32_t>(options.signal));
  request.set_force(options.force);
  const auto answer = connection->call<wire::ShimStop>(request, limit);
  // A shim that hangs up instead of answering has ended, which is what was asked for.
  if (!answer && answer.error().code() != ErrorCode::stopped) return std::unexpected(answer.error());
  return {};
}

Result<void> Lifecycle::kill_machine() {
  const auto record = BOXLITE_TRY(shimlink::read_shim_record(paths_.directory));
  auto shim = linux_::open_process(record.shim);
  if (!shim) return {};
  return shim->send_signal(SIGKILL);
}

Result<void> Lifecycle::wait_until_gone(const Deadline& deadline) {
  BOXLITE_TRY_CONTEXT("wait for the end of the machine",
                      linux_::FileLock::acquire(paths_.shim_lock(), linux_::LockMode::shared, deadline));
  return {};
}

Result<void> Lifecycle::remove(bool force) {
  if (force && BOXLITE_TRY(shimlink::is_shim_alive(paths_.directory))) {
    (void)ask_to_stop({.grace = 0ms, .force = true}, Deadline::never());
  }
  BOXLITE_TRY(around_.boxes().get(id_));
  const auto held = BOXLITE_TRY(lock(Deadline::after(lock_limit)));
  auto record = reconcile();
  // Somebody else was faster; what lock() made must go again.
  if (!record && record.error().code() == ErrorCode::not_found) (void)remove_tree(paths_.directory);
  if (!record) return std::unexpected(std::move(record).error());
  if (!may_remove(parse_status(record->state.status))) {
    if (!force) return fail(running_error(id_));
    BOXLITE_TRY(stop_machine(*record, {.grace = 0ms, .force = true}, Deadline::never()));
  }
  return erase();
}

// The row first: a directory without a row is a leftover that anybody may remove, a row without a directory
// would be a box that has lost its disk. Unless the host's disk is full: then the box's must go before SQLite
// has the room to forget it.
Result<void> Lifecycle::erase() {
  const auto record = around_.boxes().get(id_);
  auto erased = around_.boxes().erase(id_);
  if (!erased && erased.error().code() == ErrorCode::resource_exhausted) {
    // Its room must be there at once: a name can go while what is left of the machine (a mount, a process
    // that is about to end) still holds the file.
    (void)open_file(paths_.disk(), O_WRONLY | O_TRUNC | O_NOFOLLOW);
    BOXLITE_TRY(remove_tree(paths_.disk()));
    erased = with_reserve(around_.home(), [&] { return around_.boxes().erase(id_); });
  }
  if (!erased) return std::unexpected(std::move(erased).error());
  if (record) announce(around_, *record, journal::event_type::remove);
  count(around_, journal::Counter::boxes_removed);
  auto removed = remove_tree(paths_.directory);
  // A process that waits for the lock may just have put it there again.
  if (!removed && removed.error().os_error() == ENOTEMPTY) removed = remove_tree(paths_.directory);
  return removed;
}

Result<bool> Lifecycle::is_due(const store::BoxRecord& record) const {
  const auto status = parse_status(record.state.status);
  const bool has_ended = status == BoxStatus::stopped || status == BoxStatus::failed;
  if (!has_ended && status != BoxStatus::configured) return false;
  const auto spec = BOXLITE_TRY(parse_box_spec(record.spec));
  if (!has_ended) return spec.auto_remove && BOXLITE_TRY(StartIntention::is_abandoned(paths_));
  if (spec.auto_remove) return true;
  if (spec.auto_delete.count() == 0) return false;
  const auto stopped_at = parse_rfc3339(record.state.stopped_at);
  return stopped_at && now() - *stopped_at >= spec.auto_delete;
}

Result<void> Lifecycle::erase_if_due(const store::BoxRecord& record) {
  if (!BOXLITE_TRY(is_due(record))) return {};
  BOXLITE_TRY(erase());
  around_.drop_volumes(BOXLITE_TRY(parse_box_spec(record.spec)).mounts);
  return {};
}

Result<bool> Lifecycle::is_due() {
  return is_due(BOXLITE_TRY(look()));
}

Result<void> Lifecycle::recover() {
  if (!BOXLITE_TRY(is_due())) return {};
  const auto held = linux_::FileLock::try_acquire(paths_.lock(), linux_::LockMode::exclusive);
  if (!held) return {};
  return erase_if_due(BOXLITE_TRY(reconcile()));
}

Result<void> Lifecycle::remove_leftover() {
  const auto held = linux_::FileLock::try_acquire(paths_.lock(), linux_::LockMode::exclusive);
  if (!held) return {};
  const auto record = around_.boxes().get(id_);
  if (record || record.error().code() != ErrorCode::not_found) return {};
  // A machine without a box: the process that removed the box was killed before it could end it.
  if (BOXLITE_TRY(shimlink::is_shim_alive(paths_.directory))) {
    BOXLITE_TRY(kill_machine());
    BOXLITE_TRY(wait_until_gone(Deadline::after(kill_limit)));
  }
  return remove_tree(paths_.directory);
}

Result<void> Lifecycle::settle(const Deadline& deadline) {
  const auto known = around_.boxes().get(id_);
  if (!known && known.error().code() == ErrorCode::not_found) return {};
  BOXLITE_TRY(wait_until_gone(deadline));
  const auto held = BOXLITE_TRY(lock(deadline));
  const auto record = reconcile();
  // Somebody else was faster; what lock() made must go again.
  if (!record && record.error().code() == ErrorCode::not_found) return remove_tree(paths_.directory);
  if (!record) return std::unexpected(record.error());
  return erase_if_due(*record);
}

}  // namespace boxlite::box
