// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_box.h"

#include <boxlite/signal.hpp>

#include "base/concat.h"
#include "base/ids.h"
#include "box/life/status.h"
#include "box/spec/container_spec.h"
#include "box/spec/image_config_json.h"
#include "box/spec/mounts.h"
#include "box/spec/spec_check.h"
#include "box/spec/spec_json.h"
#include "local/box/local_execution.h"
#include "local/box/local_files.h"
#include "local/box/local_logs.h"
#include "local/local_runtime.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds connect_limit = 10s;
constexpr std::chrono::milliseconds settle_limit = 20s;

}  // namespace

LocalBox::LocalBox(std::shared_ptr<LocalRuntime> runtime, std::string id)
    : runtime_(std::move(runtime)), lifecycle_(*runtime_, std::move(id)) {}

Error LocalBox::with_name(Error error, std::string_view verb) const {
  return std::move(error).context(concat(verb, " box ", id()));
}

Result<BoxInfo> LocalBox::info() {
  return box_facts(BOXLITE_TRY(lifecycle_.look()), lifecycle_.paths());
}

Result<void> LocalBox::start(const StartOptions& options, const CallOptions& call) {
  const box::Call limits(runtime_->loop(), call);
  auto started = lifecycle_.start(box::Lifecycle::StartMode::join, limits, options);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  return {};
}

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect(const Deadline& deadline) {
  BOXLITE_TRY(check_shim_can_answer());
  const std::lock_guard lock(mutex_);
  if (connection_ && connection_->is_open()) return connection_;
  connection_ = BOXLITE_TRY(agentlink::Connection::connect(
      runtime_->loop(), lifecycle_.paths().agent_socket(), deadline.within(connect_limit)));
  return connection_;
}

Result<std::shared_ptr<backend::Execution>> LocalBox::exec(const ExecSpec& exec, const CallOptions& call) {
  BOXLITE_TRY(box::check(exec, false));
  const box::Call limits(runtime_->loop(), call);
  auto started = lifecycle_.start(box::Lifecycle::StartMode::implicit, limits);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  auto connection = connect(limits.until());
  if (!connection) return fail(explain_refusal(with_name(std::move(connection).error(), "run a command in")));
  auto execution = BOXLITE_TRY(box::Execution::start(runtime_->loop(), runtime_->io(), *std::move(connection),
                                                     box::exec_request(exec, new_id())));
  return std::make_shared<LocalExecution>(std::move(execution), shared_from_this(), false);
}

Error LocalBox::explain_refusal(Error error) {
  const auto record = lifecycle_.look();
  if (!record || !record->state.exit_code) return error;
  if (box::parse_status(record->state.status) == BoxStatus::running) return error;
  return Error(ErrorCode::invalid_state,
               concat("run a command in box ", id(),
                      ": it has stopped: its main command ended with exit code ", *record->state.exit_code))
      .with_remedy("give the box a command that stays, such as `sleep infinity`");
}

Result<std::shared_ptr<backend::Execution>> LocalBox::run(const ExecSpec& exec, const CallOptions& call) {
  BOXLITE_TRY(box::check(exec, true));
  const box::Call limits(runtime_->loop(), call);
  auto started = lifecycle_.start(box::Lifecycle::StartMode::first, limits);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  auto execution = start_main(exec, limits.until());
  if (!execution) {
    // A machine without its main command is of no use to anybody.
    (void)lifecycle_.stop({.grace = 0ms, .force = true});
    return fail(with_name(std::move(execution).error(), "run"));
  }
  return std::make_shared<LocalExecution>(*std::move(execution), shared_from_this(), true);
}

Result<std::shared_ptr<box::Execution>> LocalBox::start_main(const ExecSpec& exec, const Deadline& deadline) {
  const auto record = BOXLITE_TRY(runtime_->boxes().get(id()));
  const auto spec = BOXLITE_TRY(box::parse_box_spec(record.spec));
  const auto image = BOXLITE_TRY(box::parse_kept_config(record.image_config));
  auto main = exec;
  main.command = BOXLITE_TRY(box::main_command(spec, image));
  auto request = box::exec_request(main, main_execution_id);
  request.set_is_main(true);
  request.set_use_init(spec.init);
  auto connection = BOXLITE_TRY(connect(deadline));
  return box::Execution::start(runtime_->loop(), runtime_->io(), std::move(connection), request);
}

Result<void> LocalBox::add_mount(const Mount& mount) {
  std::vector<Mount> named{mount};
  LocalVolumes::name_anonymous(named);
  auto added = lifecycle_.add_mount(named.front());
  if (!added) return fail(with_name(std::move(added).error(), "add a mount to"));
  return {};
}

Result<void> LocalBox::remove_mount(std::string_view target) {
  auto removed = lifecycle_.remove_mount(target);
  if (!removed) return fail(with_name(std::move(removed).error(), "remove a mount from"));
  return {};
}

Result<PublishedPort> LocalBox::publish(const PublishedPort& port) {
  auto published = lifecycle_.publish(port);
  if (!published) return fail(with_name(std::move(published).error(), "publish a port of"));
  return published;
}

Result<void> LocalBox::unpublish(const PublishedPort& port) {
  auto withdrawn = lifecycle_.unpublish(port);
  if (!withdrawn) return fail(with_name(std::move(withdrawn).error(), "withdraw a port of"));
  return {};
}

std::shared_ptr<backend::Files> LocalBox::files() {
  return std::make_shared<LocalFiles>(shared_from_this());
}

Result<std::vector<std::filesystem::path>> LocalBox::writable_folders() {
  return box::writable_folders(runtime_->boxes());
}

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect_for_files(const CallOptions& call) {
  // Files need no main command, and the job of a box is not to be run for them.
  const box::Call limits(runtime_->loop(), {.stop = call.stop, .deadline = call.deadline});
  auto started = lifecycle_.start(box::Lifecycle::StartMode::maintenance, limits);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  return connect(limits.until());
}

Result<std::shared_ptr<backend::LogReader>> LocalBox::logs(const LogOptions& options) {
  BOXLITE_TRY(lifecycle_.look());
  return BOXLITE_TRY(LocalLogs::open(lifecycle_.paths(), options));
}

Result<void> LocalBox::stop(const StopOptions& options, const CallOptions& call) {
  if (options.grace && options.grace->count() < 0) {
    return fail(ErrorCode::invalid_argument,
                concat("grace ", options.grace->count(), " ms is not valid: it must be 0 or more"));
  }
  if (options.signal < 0 || options.signal > last_signal) {
    return fail(ErrorCode::invalid_argument,
                concat("signal ", options.signal, " is not valid: it must be 1 to ", last_signal, ", or 0"));
  }
  auto stopped = lifecycle_.stop(options, box::deadline_of(call));
  if (!stopped) return fail(with_name(std::move(stopped).error(), "stop"));
  return {};
}

void LocalBox::settle() {
  // Its end is not the box's.
  const auto facts = info();
  if (facts && facts->spec.restart.mode != RestartMode::no) return;
  auto settled = lifecycle_.settle(Deadline::after(settle_limit));
  const bool is_gone = !settled && settled.error().code() == ErrorCode::not_found;
  if (!settled && !is_gone)  // gone: removed by the process that settled it first
    runtime_->log(LogLevel::warn, concat("record the end of box ", id(), ": ", settled.error().message()));
}

}  // namespace boxlite::local
