// SPDX-License-Identifier: Apache-2.0
#include "runtime/local/local_box.h"

#include "base/concat.h"
#include "base/ids.h"
#include "box/container_spec.h"
#include "box/image_config_json.h"
#include "box/spec_check.h"
#include "box/spec_json.h"
#include "box/status.h"
#include "runtime/local/local_execution.h"
#include "runtime/local/local_files.h"
#include "runtime/local/local_runtime.h"

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

Result<void> LocalBox::start(const ProgressCallback& progress) {
  auto started = lifecycle_.start(box::Lifecycle::StartMode::join, progress);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  return {};
}

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect() {
  const std::lock_guard lock(mutex_);
  if (connection_ && connection_->is_open()) return connection_;
  connection_ = BOXLITE_TRY(agentlink::Connection::connect(
      runtime_->loop(), lifecycle_.paths().agent_socket(), Deadline::after(connect_limit)));
  return connection_;
}

Result<boxlite::Execution> LocalBox::exec(const ExecSpec& exec) {
  BOXLITE_TRY(box::check(exec, false));
  BOXLITE_TRY(start({}));
  auto connection = connect();
  if (!connection) return fail(with_name(std::move(connection).error(), "run a command in"));
  auto execution = BOXLITE_TRY(box::Execution::start(runtime_->loop(), runtime_->io(), *std::move(connection),
                                                     box::exec_request(exec, new_id())));
  return boxlite::Execution(
      std::make_shared<LocalExecution>(std::move(execution), shared_from_this(), false));
}

Result<boxlite::Execution> LocalBox::run(const ExecSpec& exec, const ProgressCallback& progress) {
  BOXLITE_TRY(box::check(exec, true));
  auto started = lifecycle_.start(box::Lifecycle::StartMode::first, progress);
  if (!started) return fail(with_name(std::move(started).error(), "start"));
  auto execution = start_main(exec);
  if (!execution) {
    // A machine without its main command is of no use to anybody.
    (void)lifecycle_.stop({.grace = 0ms, .force = true});
    return fail(with_name(std::move(execution).error(), "run"));
  }
  return boxlite::Execution(
      std::make_shared<LocalExecution>(*std::move(execution), shared_from_this(), true));
}

Result<std::shared_ptr<box::Execution>> LocalBox::start_main(const ExecSpec& exec) {
  const auto record = BOXLITE_TRY(runtime_->boxes().get(id()));
  const auto spec = BOXLITE_TRY(box::parse_box_spec(record.spec));
  const auto image = BOXLITE_TRY(box::parse_kept_config(record.image_config));
  auto main = exec;
  main.command = BOXLITE_TRY(box::main_command(spec, image));
  auto request = box::exec_request(main, main_execution_id);
  request.set_is_main(true);
  auto connection = BOXLITE_TRY(connect());
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

std::shared_ptr<backend::Files> LocalBox::files() {
  return std::make_shared<LocalFiles>(shared_from_this());
}

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect_for_files() {
  BOXLITE_TRY(start({}));
  return connect();
}

Result<void> LocalBox::stop(const StopOptions& options) {
  if (options.grace.count() < 0) {
    return fail(ErrorCode::invalid_argument,
                concat("grace ", options.grace.count(), " ms is not valid: it must be 0 or more"));
  }
  auto stopped = lifecycle_.stop(options);
  if (!stopped) return fail(with_name(std::move(stopped).error(), "stop"));
  return {};
}

void LocalBox::settle() {
  auto settled = lifecycle_.settle(Deadline::after(settle_limit));
  const bool is_gone = !settled && settled.error().code() == ErrorCode::not_found;
  if (!settled && !is_gone)  // gone: removed by whoever settled it first
    runtime_->log(LogLevel::warn, concat("record the end of box ", id(), ": ", settled.error().message()));
}

}  // namespace boxlite::local
