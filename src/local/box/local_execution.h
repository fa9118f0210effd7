// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/execution.h"
#include "box/call.h"
#include "box/exec/execution.h"

namespace boxlite::local {

class LocalBox;

// A command in a box on this host. Thread-safe.
class LocalExecution final : public backend::Execution {
 public:
  // Keeps the box, and so its Runtime, for as long as the user has a handle or an asynchronous call is under
  // way. `is_main`: its end is the end of the box.
  LocalExecution(std::shared_ptr<box::Execution> execution, std::shared_ptr<LocalBox> box, bool is_main)
      : execution_(std::move(execution)), box_(std::move(box)), is_main_(is_main) {}

  const std::string& id() const override { return execution_->id(); }
  Result<bool> wait_started(const CallOptions& call) override {
    return execution_->wait_started(box::deadline_of(call));
  }
  bool has_terminal() const override { return execution_->has_terminal(); }
  std::uint64_t offset(OutputStream stream) const override { return execution_->offset(stream); }
  std::string disk_error() const override { return execution_->disk_error(); }
  std::uint64_t skipped(OutputStream stream) const override { return execution_->skipped(stream); }
  Result<void> write_stdin(std::span<const std::byte> bytes, const CallOptions& call) override {
    return execution_->write_stdin(bytes, box::deadline_of(call));
  }
  Result<void> close_stdin() override { return execution_->close_stdin(); }
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer,
                           const CallOptions& call) override {
    return execution_->read(stream, buffer, box::deadline_of(call));
  }
  Result<ExitStatus> wait(const CallOptions& call) override;
  Result<void> send_signal(int signal) override { return execution_->send_signal(signal, false); }
  Result<void> kill() override { return execution_->send_signal(9, true); }
  void detach() override { execution_->detach(); }
  void abandon() override;
  Result<void> resize(TerminalSize size) override { return execution_->resize(size); }
  void read_async(OutputStream stream,
                  std::function<void(Result<std::vector<std::byte>>)> callback) override {
    execution_->read_async(stream, [box = box_, callback = std::move(callback)](
                                       Result<std::vector<std::byte>> bytes) { callback(std::move(bytes)); });
  }
  void wait_async(std::function<void(Result<ExitStatus>)> callback) override {
    execution_->wait_async([box = box_, callback = std::move(callback)](Result<ExitStatus> status) {
      callback(std::move(status));
    });
  }

 private:
  const std::shared_ptr<box::Execution> execution_;
  const std::shared_ptr<LocalBox> box_;
  const bool is_main_;
};

}  // namespace boxlite::local
