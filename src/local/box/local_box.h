// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "agentlink/connection.h"
#include "backend/box.h"
#include "box/call.h"
#include "box/exec/execution.h"
#include "box/life/lifecycle.h"
#include "journal/counters.h"

namespace boxlite::local {

class LocalRuntime;

// The id of a box's main command.
using box::main_execution_id;

// A box on this host. Thread-safe. Keeps one connection to its machine, shared by all commands.
class LocalBox final : public backend::Box, public std::enable_shared_from_this<LocalBox> {
 public:
  LocalBox(std::shared_ptr<LocalRuntime> runtime, std::string id);

  const std::string& id() const override { return lifecycle_.id(); }
  Result<BoxInfo> info() override;
  Result<void> start(const StartOptions& options, const CallOptions& call) override;
  Result<std::shared_ptr<backend::Execution>> run(const ExecSpec& exec, const CallOptions& call) override;
  Result<std::shared_ptr<backend::Execution>> exec(const ExecSpec& exec, const CallOptions& call) override;
  Result<std::shared_ptr<backend::Execution>> attach(std::string_view execution_id,
                                                     const AttachOptions& options) override;
  Result<std::vector<ExecutionInfo>> executions() override;
  Result<void> send_signal(std::string_view execution_id, int signal) override;
  Result<ExitStatus> wait(std::string_view execution_id, const CallOptions& call) override;
  Result<void> add_mount(const Mount& mount) override;
  Result<void> remove_mount(std::string_view target) override;
  Result<PublishedPort> publish(const PublishedPort& port) override;
  Result<void> unpublish(const PublishedPort& port) override;
  Result<std::shared_ptr<backend::Tunnel>> open_tunnel(const TunnelTarget& target,
                                                       const CallOptions& call) override;
  Result<void> capture(const std::function<bool(std::string_view bytes)>& sink,
                       const CallOptions& call) override;
  Result<void> set_network_policy(const NetworkPolicy& policy) override;
  Result<std::shared_ptr<void>> on_network_request(NetworkCallback callback) override;
  Result<std::shared_ptr<backend::NetworkLog>> network_log(const NetworkLogOptions& options) override;
  Result<void> detach() override;
  std::shared_ptr<backend::Files> files() override;
  Result<std::shared_ptr<backend::LogReader>> logs(const LogOptions& options) override;
  Result<void> stop(const StopOptions& options, const CallOptions& call) override;
  Result<BoxStats> stats() override;
  Result<ProcessList> processes() override;
  Result<void> pause() override;
  Result<void> unpause() override;
  Result<BoxEnd> wait_stopped(const CallOptions& call) override;

  // The folders of the host that this or another box of the home may write.
  Result<std::vector<std::filesystem::path>> writable_folders();

  // To a machine that is up; started when it is not.
  Result<std::shared_ptr<agentlink::Connection>> connect_for_files(const CallOptions& call);

  // Waits for the end of the machine, whose main command has ended, and records it.
  void settle();

 private:
  Result<std::shared_ptr<agentlink::Connection>> connect(const Deadline& deadline);
  // unavailable when somebody has stopped the box's process: it would take calls and never answer.
  Result<void> check_shim_can_answer() const;
  // To the machine of a box that is running; `verb` says what for.
  Result<std::shared_ptr<agentlink::Connection>> connect_running(
      std::string_view verb, const Deadline& deadline = Deadline::never());
  // The same, once commands can run in it.
  Result<std::shared_ptr<agentlink::Connection>> connect_ready(std::string_view verb,
                                                               const Deadline& deadline = Deadline::never());
  Result<std::shared_ptr<box::Execution>> start_main(const ExecSpec& exec, const Deadline& deadline);
  void settle_unless_late(const Deadline& deadline);
  Error with_name(Error error, std::string_view verb) const;
  // Why a box that has just been running does not take a command.
  Error explain_refusal(Error error);

  const std::shared_ptr<LocalRuntime> runtime_;
  box::Lifecycle lifecycle_;

  std::mutex mutex_;
  std::shared_ptr<agentlink::Connection> connection_;
};

BoxActivity activity_of(const journal::CounterValues& values);

// The record as users see it.
Result<BoxInfo> box_facts(const store::BoxRecord& record, const box::BoxPaths& paths);

}  // namespace boxlite::local
