// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/execution.hpp>

namespace boxlite::backend {

// What a boxlite::Execution does; see there.
class Execution {
 public:
  virtual ~Execution() = default;
  virtual const std::string& id() const = 0;
  virtual Result<bool> wait_started(const CallOptions& call) = 0;
  virtual bool has_terminal() const = 0;
  virtual std::uint64_t offset(OutputStream stream) const = 0;
  virtual std::string disk_error() const = 0;
  virtual std::uint64_t skipped(OutputStream stream) const = 0;
  virtual Result<void> write_stdin(std::span<const std::byte> bytes, const CallOptions& call) = 0;
  virtual Result<void> close_stdin() = 0;
  virtual Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer,
                                   const CallOptions& call) = 0;
  virtual Result<ExitStatus> wait(const CallOptions& call) = 0;
  virtual Result<void> send_signal(int signal) = 0;
  virtual Result<void> kill() = 0;
  virtual void detach() = 0;
  // Kills the command without waiting for that, and lets go of it as detach() does. Does not block.
  virtual void abandon() = 0;
  virtual Result<void> resize(TerminalSize size) = 0;
  virtual void read_async(OutputStream stream,
                          std::function<void(Result<std::vector<std::byte>>)> callback) = 0;
  virtual void wait_async(std::function<void(Result<ExitStatus>)> callback) = 0;
};

}  // namespace boxlite::backend
