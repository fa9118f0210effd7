// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backend/execution.h"
#include "base/unique_fd.h"
#include "linux/process/child_process.h"

namespace boxlite::test {

// A process of this host with three pipes. Asynchronous calls have a thread each: a test makes few of them.
class MemoryExecution final : public backend::Execution,
                              public std::enable_shared_from_this<MemoryExecution> {
 public:
  // A program that is not there is a command that has ended with 127.
  static Result<std::shared_ptr<MemoryExecution>> start(const ExecSpec& spec);

  ExecutionInfo info() const;

  const std::string& id() const override { return id_; }
  Result<bool> wait_started(const CallOptions& call) override;
  bool has_terminal() const override { return false; }
  std::uint64_t offset(OutputStream stream) const override;
  std::string disk_error() const override { return {}; }
  std::uint64_t skipped(OutputStream) const override { return 0; }
  Result<void> write_stdin(std::span<const std::byte> bytes, const CallOptions& call) override;
  Result<void> close_stdin() override;
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer,
                           const CallOptions& call) override;
  Result<ExitStatus> wait(const CallOptions& call) override;
  Result<void> send_signal(int signal) override;
  Result<void> kill() override;
  void detach() override {}
  void abandon() override { (void)kill(); }
  Result<void> resize(TerminalSize size) override;
  void read_async(OutputStream stream, std::function<void(Result<std::vector<std::byte>>)> callback) override;
  void wait_async(std::function<void(Result<ExitStatus>)> callback) override;

 private:
  explicit MemoryExecution(ExecSpec spec);
  Result<void> spawn();
  // Waits for the process and tells those who wait.
  void reap();

  const std::string id_;
  const ExecSpec spec_;
  UniqueFd stdin_;
  UniqueFd outputs_[2];
  std::atomic<std::uint64_t> offsets_[2] = {};
  std::optional<linux_::ChildProcess> child_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<ExitStatus> status_;
};

}  // namespace boxlite::test
