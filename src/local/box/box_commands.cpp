// SPDX-License-Identifier: Apache-2.0
// The part of LocalBox that speaks of commands which run already.
#include <algorithm>
#include <csignal>
#include <utility>

#include "base/concat.h"
#include "box/life/status.h"
#include "box/spec/spec_check.h"
#include "local/box/local_box.h"
#include "local/box/local_execution.h"
#include "local/local_runtime.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds call_limit = 30s;

Error without_main(Error error, std::string_view execution_id) {
  if (error.code() != ErrorCode::not_found || execution_id != main_execution_id) return error;
  return Error(ErrorCode::not_found, "the box runs no main command")
      .with_remedy("name one of its executions, or stop the box");
}

}  // namespace

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect_running(std::string_view verb,
                                                                         const Deadline& deadline) {
  const auto record = BOXLITE_TRY(lifecycle_.look());
  if (box::parse_status(record.state.status) != BoxStatus::running) {
    return fail(ErrorCode::invalid_state, concat(verb, " box ", id(), ": the box is not running"));
  }
  auto connection = connect(deadline);
  if (!connection) return fail(with_name(std::move(connection).error(), verb));
  return connection;
}

Result<std::shared_ptr<backend::Execution>> LocalBox::attach(std::string_view execution_id,
                                                             const AttachOptions& options) {
  constexpr std::string_view verb = "attach to a command of";
  BOXLITE_TRY(box::check_execution_id(execution_id));
  auto connection = BOXLITE_TRY(connect_running(verb));
  auto execution = BOXLITE_TRY(
      box::Execution::attach(runtime_->loop(), runtime_->io(), std::move(connection), execution_id, options));
  auto started = execution->wait_started(Deadline::after(call_limit));
  if (!started) {
    return fail(with_name(without_main(std::move(started).error(), execution_id), verb));
  }
  return std::make_shared<LocalExecution>(std::move(execution), shared_from_this(),
                                          execution_id == main_execution_id);
}

Result<std::vector<ExecutionInfo>> LocalBox::executions() {
  const auto record = BOXLITE_TRY(lifecycle_.look());
  if (box::parse_status(record.state.status) != BoxStatus::running) return std::vector<ExecutionInfo>();
  auto connection = BOXLITE_TRY(connect_running("list the commands of"));
  auto list = connection->call<wire::ExecList>({}, Deadline::after(call_limit));
  if (!list) return fail(with_name(std::move(list).error(), "list the commands of"));
  std::vector<ExecutionInfo> executions;
  for (const auto& summary : list->execs()) executions.push_back(box::execution_info(summary));
  std::ranges::sort(executions, {}, [](const auto& one) { return std::pair(one.started_at, one.id); });
  return executions;
}

Result<void> LocalBox::send_signal(std::string_view execution_id, int signal) {
  constexpr std::string_view verb = "signal a command of";
  BOXLITE_TRY(box::check_execution_id(execution_id));
  BOXLITE_TRY(box::check_signal(signal));
  auto connection = BOXLITE_TRY(connect_running(verb));
  wire::msg::SignalRequest request;
  request.set_id(std::string(execution_id));
  request.set_signal(static_cast<std::uint32_t>(signal));
  request.set_whole_group(signal == SIGKILL);
  auto sent = connection->call<wire::ExecSignal>(request, Deadline::after(call_limit));
  if (!sent) return fail(with_name(without_main(std::move(sent).error(), execution_id), verb));
  return {};
}

Result<ExitStatus> LocalBox::wait(std::string_view execution_id, const CallOptions& call) {
  constexpr std::string_view verb = "wait for a command of";
  BOXLITE_TRY(box::check_execution_id(execution_id));
  const auto deadline = box::deadline_of(call);
  auto connection = BOXLITE_TRY(connect_running(verb, deadline));
  wire::msg::WaitRequest request;
  request.set_id(std::string(execution_id));
  auto result = connection->call<wire::ExecWait>(request, deadline);
  if (!result) return fail(with_name(without_main(std::move(result).error(), execution_id), verb));
  // Who has waited for the main command finds the box stopped.
  if (execution_id == main_execution_id) settle();
  return box::exit_status(*result);
}

Result<void> LocalBox::detach() {
  auto detached = lifecycle_.detach();
  if (!detached) return fail(with_name(std::move(detached).error(), "let go of"));
  runtime_->release(id());
  return {};
}

}  // namespace boxlite::local
