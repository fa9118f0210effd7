// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/box.h"
#include "backend/execution.h"
#include "base/result.h"
#include "memory_execution.h"

namespace boxlite::test {

std::unexpected<Error> not_in_memory();

// A record, and the processes that run "in" it.
class MemoryBox final : public backend::Box {
 public:
  explicit MemoryBox(BoxSpec spec);

  std::string name() const;
  void rename(std::string_view name);
  // invalid_state while it runs, unless forced.
  Result<void> remove(bool force);

  const std::string& id() const override { return id_; }
  Result<BoxInfo> info() override;
  Result<void> start(const StartOptions& options, const CallOptions& call) override;
  Result<std::shared_ptr<backend::Execution>> exec(const ExecSpec& exec, const CallOptions& call) override;
  Result<std::shared_ptr<backend::Execution>> attach(std::string_view execution_id,
                                                     const AttachOptions& options) override;
  Result<std::vector<ExecutionInfo>> executions() override;
  Result<void> send_signal(std::string_view execution_id, int signal) override;
  Result<ExitStatus> wait(std::string_view execution_id, const CallOptions& call) override;
  Result<void> detach() override;
  Result<void> stop(const StopOptions& options, const CallOptions& call) override;
  Result<BoxEnd> wait_stopped(const CallOptions& call) override;

  Result<std::shared_ptr<backend::Execution>> run(const ExecSpec& exec, const CallOptions& call) override;
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
  std::shared_ptr<backend::Files> files() override { return nullptr; }
  Result<std::shared_ptr<backend::LogReader>> logs(const LogOptions& options) override;
  Result<BoxStats> stats() override;
  Result<ProcessList> processes() override;
  Result<void> pause() override;
  Result<void> unpause() override;

 private:
  Result<void> require_locked() const;
  void start_locked();
  void stop_locked();
  Result<std::shared_ptr<MemoryExecution>> find_locked(std::string_view execution_id) const;

  const std::string id_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  BoxInfo info_;
  bool is_removed_ = false;
  std::map<std::string, std::shared_ptr<MemoryExecution>, std::less<>> executions_;
};

}  // namespace boxlite::test
