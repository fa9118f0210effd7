// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "box/execution.h"
#include "runtime/backend/execution.h"

namespace boxlite::local {

class LocalBox;

// A command in a box on this host. Thread-safe.
class LocalExecution final : public backend::Execution {
 public:
  // `main_of`: the box whose main command it is, so that its end is the end of the box; else nothing.
  LocalExecution(std::shared_ptr<box::Execution> execution, std::shared_ptr<LocalBox> main_of)
      : execution_(std::move(execution)), main_of_(std::move(main_of)) {}

  const std::string& id() const override { return execution_->id(); }
  Result<void> write_stdin(std::span<const std::byte> bytes) override { return execution_->write_stdin(bytes); }
  Result<void> close_stdin() override { return execution_->close_stdin(); }
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer) override {
    return execution_->read(stream, buffer);
  }
  Result<ExitStatus> wait() override;
  Result<void> send_signal(int signal) override { return execution_->send_signal(signal, false); }
  Result<void> kill() override { return execution_->send_signal(9, true); }
  Result<void> resize(TerminalSize size) override { return execution_->resize(size); }
  void read_async(OutputStream stream, std::function<void(Result<std::vector<std::byte>>)> callback) override {
    execution_->read_async(stream, std::move(callback));
  }
  void wait_async(std::function<void(Result<ExitStatus>)> callback) override {
    execution_->wait_async(std::move(callback));
  }

 private:
  const std::shared_ptr<box::Execution> execution_;
  const std::shared_ptr<LocalBox> main_of_;
};

}  // namespace boxlite::local
