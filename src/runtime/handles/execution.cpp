// SPDX-License-Identifier: Apache-2.0
#include "runtime/backend/execution.h"

#include <utility>

namespace boxlite {

Execution::Execution(std::shared_ptr<backend::Execution> backend) : backend_(std::move(backend)) {}

const std::string& Execution::id() const {
  return backend_->id();
}

Result<void> Execution::write_stdin(std::span<const std::byte> bytes) {
  return backend_->write_stdin(bytes);
}

Result<void> Execution::close_stdin() {
  return backend_->close_stdin();
}

Result<std::size_t> Execution::read(OutputStream stream, std::span<std::byte> buffer) {
  return backend_->read(stream, buffer);
}

Result<ExitStatus> Execution::wait() {
  return backend_->wait();
}

Result<void> Execution::send_signal(int signal) {
  return backend_->send_signal(signal);
}

Result<void> Execution::kill() {
  return backend_->kill();
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
