// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <boxlite/box.hpp>
#include <boxlite/metrics.hpp>

namespace boxlite::backend {

// What a boxlite::Box does; see there.
class Box {
 public:
  virtual ~Box() = default;
  virtual const std::string& id() const = 0;
  virtual Result<BoxInfo> info() = 0;
  virtual Result<void> start(const StartOptions& options, const CallOptions& call) = 0;
  virtual Result<std::shared_ptr<Execution>> run(const ExecSpec& exec, const CallOptions& call) = 0;
  virtual Result<std::shared_ptr<Execution>> exec(const ExecSpec& exec, const CallOptions& call) = 0;
  virtual Result<std::shared_ptr<Execution>> attach(std::string_view execution_id,
                                                    const AttachOptions& options) = 0;
  virtual Result<std::vector<ExecutionInfo>> executions() = 0;
  virtual Result<void> send_signal(std::string_view execution_id, int signal) = 0;
  virtual Result<ExitStatus> wait(std::string_view execution_id, const CallOptions& call) = 0;
  virtual Result<void> add_mount(const Mount& mount) = 0;
  virtual Result<void> remove_mount(std::string_view target) = 0;
  virtual Result<PublishedPort> publish(const PublishedPort& port) = 0;
  virtual Result<void> unpublish(const PublishedPort& port) = 0;
  virtual Result<std::shared_ptr<Tunnel>> open_tunnel(const TunnelTarget& target,
                                                      const CallOptions& call) = 0;
  virtual Result<void> capture(const std::function<bool(std::string_view bytes)>& sink,
                               const CallOptions& call) = 0;
  virtual Result<void> set_network_policy(const NetworkPolicy& policy) = 0;
  virtual Result<std::shared_ptr<void>> on_network_request(NetworkCallback callback) = 0;
  virtual Result<std::shared_ptr<NetworkLog>> network_log(const NetworkLogOptions& options) = 0;
  virtual Result<void> detach() = 0;
  virtual std::shared_ptr<Files> files() = 0;
  virtual Result<std::shared_ptr<LogReader>> logs(const LogOptions& options) = 0;
  virtual Result<void> stop(const StopOptions& options, const CallOptions& call) = 0;
  virtual Result<BoxStats> stats() = 0;
  virtual Result<ProcessList> processes() = 0;
  virtual Result<void> pause() = 0;
  virtual Result<void> unpause() = 0;
  virtual Result<BoxEnd> wait_stopped(const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
