// SPDX-License-Identifier: Apache-2.0
#include "backend/execution.h"

#include <utility>

#include "api/communication.h"

namespace boxlite {

Execution::Execution(std::shared_ptr<backend::Execution> backend) : backend_(std::move(backend)) {}

const std::string& Execution::id() const {
  return backend_->id();
}

Result<bool> Execution::wait_started(const CallOptions& call) {
  return backend_->wait_started(call);
}

bool Execution::has_terminal() const {
  return backend_->has_terminal();
}

std::string Execution::disk_error() const {
  return backend_->disk_error();
}

std::uint64_t Execution::offset(OutputStream stream) const {
  return backend_->offset(stream);
}

std::uint64_t Execution::skipped(OutputStream stream) const {
  return backend_->skipped(stream);
}

Result<void> Execution::write_stdin(std::span<const std::byte> bytes, const CallOptions& call) {
  return backend_->write_stdin(bytes, call);
}

Result<void> Execution::close_stdin() {
  return backend_->close_stdin();
}

Result<std::size_t> Execution::read(OutputStream stream, std::span<std::byte> buffer,
                                    const CallOptions& call) {
  return backend_->read(stream, buffer, call);
}

Result<ExitStatus> Execution::wait(const CallOptions& call) {
  return backend_->wait(call);
}

Result<Output> Execution::communicate(std::span<const std::byte> input, const OutputOptions& options,
                                      const CallOptions& call) {
  return std::make_shared<Communication>(backend_, options)->run(input, call);
}

Result<void> Execution::send_signal(int signal) {
  return backend_->send_signal(signal);
}

Result<void> Execution::kill() {
  return backend_->kill();
}

void Execution::detach() {
  backend_->detach();
}

Result<void> Execution::resize(TerminalSize size) {
  return backend_->resize(size);
}

void Execution::read_async(OutputStream stream,
                           std::function<void(Result<std::vector<std::byte>>)> callback) {
  backend_->read_async(stream, std::move(callback));
}

void Execution::wait_async(std::function<void(Result<ExitStatus>)> callback) {
  backend_->wait_async(std::move(callback));
}

}  // namespace boxlite
