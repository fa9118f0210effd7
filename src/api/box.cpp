// SPDX-License-Identifier: Apache-2.0
#include "backend/box.h"

#include <utility>

#include "api/wrap.h"

namespace boxlite {

Box::Box(std::shared_ptr<backend::Box> backend) : backend_(std::move(backend)) {}

const std::string& Box::id() const {
  return backend_->id();
}

Result<BoxInfo> Box::info() const {
  return backend_->info();
}

Result<void> Box::start(const StartOptions& options, const CallOptions& call) {
  return backend_->start(options, call);
}

Result<Execution> Box::run(const ExecSpec& exec, const CallOptions& call) {
  return wrap<Execution>(backend_->run(exec, call));
}

Result<Execution> Box::exec(const ExecSpec& exec, const CallOptions& call) {
  return wrap<Execution>(backend_->exec(exec, call));
}

Result<Output> Box::run_command(const ExecSpec& exec, std::span<const std::byte> input,
                                const OutputOptions& options, const CallOptions& call) {
  auto with_input = exec;
  with_input.use_stdin = exec.use_stdin || !input.empty();
  auto execution = this->exec(with_input, call);
  if (!execution) return std::unexpected(std::move(execution).error());
  return execution->communicate(input, options, call);
}

Result<Execution> Box::attach(std::string_view execution_id, const AttachOptions& options) {
  return wrap<Execution>(backend_->attach(execution_id, options));
}

Result<std::vector<ExecutionInfo>> Box::executions() const {
  return backend_->executions();
}

Result<void> Box::send_signal(std::string_view execution_id, int signal) {
  return backend_->send_signal(execution_id, signal);
}

Result<ExitStatus> Box::wait(std::string_view execution_id, const CallOptions& call) {
  return backend_->wait(execution_id, call);
}

Result<void> Box::add_mount(const Mount& mount) {
  return backend_->add_mount(mount);
}

Result<void> Box::remove_mount(std::string_view target) {
  return backend_->remove_mount(target);
}

Result<PublishedPort> Box::publish(const PublishedPort& port) {
  return backend_->publish(port);
}

Result<void> Box::unpublish(const PublishedPort& port) {
  return backend_->unpublish(port);
}

Result<Tunnel> Box::open_tunnel(const TunnelTarget& target, const CallOptions& call) {
  return wrap<Tunnel>(backend_->open_tunnel(target, call));
}

Result<void> Box::capture(const std::function<bool(std::string_view bytes)>& sink,
                          const CallOptions& call) const {
  return backend_->capture(sink, call);
}

Result<void> Box::set_network_policy(const NetworkPolicy& policy) {
  return backend_->set_network_policy(policy);
}

Result<NetworkListener> Box::on_network_request(NetworkCallback callback) {
  return wrap<NetworkListener>(backend_->on_network_request(std::move(callback)));
}

Result<NetworkLog> Box::network_log(const NetworkLogOptions& options) const {
  return wrap<NetworkLog>(backend_->network_log(options));
}

Result<void> Box::detach() {
  return backend_->detach();
}

Files Box::files() const {
  return Files(backend_->files());
}

Result<LogReader> Box::logs(const LogOptions& options) const {
  return wrap<LogReader>(backend_->logs(options));
}

Result<void> Box::stop(const StopOptions& options, const CallOptions& call) {
  return backend_->stop(options, call);
}

Result<BoxStats> Box::stats() const {
  return backend_->stats();
}

Result<ProcessList> Box::processes() const {
  return backend_->processes();
}

Result<void> Box::pause() {
  return backend_->pause();
}

Result<void> Box::unpause() {
  return backend_->unpause();
}

Result<BoxEnd> Box::wait_stopped(const CallOptions& call) {
  return backend_->wait_stopped(call);
}

}  // namespace boxlite
