// SPDX-License-Identifier: Apache-2.0
#include "memory_box.h"

#include <utility>

#include "base/concat.h"
#include "base/ids.h"
#include "base/time.h"
#include "base/waiting.h"
#include "box/call.h"
#include "box/spec/spec_check.h"

namespace boxlite::test {

std::unexpected<Error> not_in_memory() {
  return fail(ErrorCode::unsupported, "boxes in memory do not have this");
}

MemoryBox::MemoryBox(BoxSpec spec) : id_(new_id()) {
  info_.id = id_;
  info_.spec = std::move(spec);
  info_.created_at = to_rfc3339(now());
}

std::string MemoryBox::name() const {
  const std::lock_guard lock(mutex_);
  return info_.spec.name;
}

void MemoryBox::rename(std::string_view name) {
  const std::lock_guard lock(mutex_);
  info_.spec.name = name;
}

Result<void> MemoryBox::require_locked() const {
  if (is_removed_) return fail(ErrorCode::not_found, concat("box ", id_, " is removed"));
  return {};
}

Result<void> MemoryBox::remove(bool force) {
  const std::lock_guard lock(mutex_);
  if (info_.status == BoxStatus::running) {
    if (!force) return fail(ErrorCode::invalid_state, concat("remove box ", id_, ": it runs"));
    stop_locked();
  }
  is_removed_ = true;
  return {};
}

Result<BoxInfo> MemoryBox::info() {
  const std::lock_guard lock(mutex_);
  BOXLITE_TRY(require_locked());
  return info_;
}

void MemoryBox::start_locked() {
  if (info_.status == BoxStatus::running) return;
  executions_.clear();
  info_.status = BoxStatus::running;
  info_.started_at = to_rfc3339(now());
  info_.stopped_at.clear();
}

void MemoryBox::stop_locked() {
  for (const auto& [id, execution] : executions_) (void)execution->kill();
  info_.status = BoxStatus::stopped;
  info_.stopped_at = to_rfc3339(now());
  changed_.notify_all();
}

Result<void> MemoryBox::start(const StartOptions&, const CallOptions&) {
  const std::lock_guard lock(mutex_);
  BOXLITE_TRY(require_locked());
  start_locked();
  return {};
}

Result<void> MemoryBox::stop(const StopOptions&, const CallOptions&) {
  const std::lock_guard lock(mutex_);
  BOXLITE_TRY(require_locked());
  if (info_.status == BoxStatus::running) stop_locked();
  return {};
}

Result<BoxEnd> MemoryBox::wait_stopped(const CallOptions& call) {
  std::unique_lock lock(mutex_);
  BOXLITE_TRY(require_locked());
  const auto deadline = box::deadline_of(call);
  if (!wait_until(changed_, lock, deadline, [this] { return info_.status != BoxStatus::running; }))
    return fail(deadline.error("the box has not stopped"));
  return BoxEnd{};
}

Result<std::shared_ptr<backend::Execution>> MemoryBox::exec(const ExecSpec& exec, const CallOptions&) {
  BOXLITE_TRY(box::check(exec, false));
  const std::lock_guard lock(mutex_);
  BOXLITE_TRY(require_locked());
  start_locked();
  auto execution = BOXLITE_TRY(MemoryExecution::start(exec));
  executions_[execution->id()] = execution;
  return execution;
}

Result<std::shared_ptr<MemoryExecution>> MemoryBox::find_locked(std::string_view execution_id) const {
  BOXLITE_TRY(require_locked());
  if (info_.status != BoxStatus::running) return fail(ErrorCode::invalid_state, "the box does not run");
  const auto found = executions_.find(execution_id);
  if (found == executions_.end())
    return fail(ErrorCode::not_found, concat("no command ", in_quotes(execution_id)));
  return found->second;
}

Result<std::shared_ptr<backend::Execution>> MemoryBox::attach(std::string_view execution_id,
                                                              const AttachOptions&) {
  const std::lock_guard lock(mutex_);
  return find_locked(execution_id);
}

Result<std::vector<ExecutionInfo>> MemoryBox::executions() {
  const std::lock_guard lock(mutex_);
  BOXLITE_TRY(require_locked());
  std::vector<ExecutionInfo> infos;
  if (info_.status != BoxStatus::running) return infos;
  for (const auto& [id, execution] : executions_) infos.push_back(execution->info());
  return infos;
}

Result<void> MemoryBox::send_signal(std::string_view execution_id, int signal) {
  BOXLITE_TRY(box::check_signal(signal));
  const std::lock_guard lock(mutex_);
  return BOXLITE_TRY(find_locked(execution_id))->send_signal(signal);
}

Result<ExitStatus> MemoryBox::wait(std::string_view execution_id, const CallOptions& call) {
  std::shared_ptr<MemoryExecution> execution;
  {
    const std::lock_guard lock(mutex_);
    execution = BOXLITE_TRY(find_locked(execution_id));
  }
  return execution->wait(call);
}

Result<void> MemoryBox::detach() {
  const std::lock_guard lock(mutex_);
  return require_locked();
}

Result<std::shared_ptr<backend::Execution>> MemoryBox::run(const ExecSpec&, const CallOptions&) {
  return not_in_memory();
}
Result<void> MemoryBox::add_mount(const Mount&) {
  return not_in_memory();
}
Result<void> MemoryBox::remove_mount(std::string_view) {
  return not_in_memory();
}
Result<PublishedPort> MemoryBox::publish(const PublishedPort&) {
  return not_in_memory();
}
Result<void> MemoryBox::unpublish(const PublishedPort&) {
  return not_in_memory();
}
Result<std::shared_ptr<backend::Tunnel>> MemoryBox::open_tunnel(const TunnelTarget&, const CallOptions&) {
  return not_in_memory();
}
Result<void> MemoryBox::capture(const std::function<bool(std::string_view bytes)>&, const CallOptions&) {
  return not_in_memory();
}
Result<void> MemoryBox::set_network_policy(const NetworkPolicy&) {
  return not_in_memory();
}
Result<std::shared_ptr<void>> MemoryBox::on_network_request(NetworkCallback) {
  return not_in_memory();
}
Result<std::shared_ptr<backend::NetworkLog>> MemoryBox::network_log(const NetworkLogOptions&) {
  return not_in_memory();
}
Result<std::shared_ptr<backend::LogReader>> MemoryBox::logs(const LogOptions&) {
  return not_in_memory();
}
Result<BoxStats> MemoryBox::stats() {
  return not_in_memory();
}
Result<ProcessList> MemoryBox::processes() {
  return not_in_memory();
}
Result<void> MemoryBox::pause() {
  return not_in_memory();
}
Result<void> MemoryBox::unpause() {
  return not_in_memory();
}

}  // namespace boxlite::test
