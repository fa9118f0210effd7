// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boxlite/box_spec.hpp>
#include <boxlite/error.hpp>

namespace boxlite {

namespace backend {
class Execution;
}

enum class OutputStream { stdout_, stderr_ };

// One command in a box: a handle, cheap to copy; all copies speak of the same command. It belongs to the box,
// not to the handle: when the last handle goes, the command runs on.
//
// Bytes are bytes: nothing is decoded or cut. Output not yet read waits in the box (256 KiB per stream), and
// then the command waits: a slow reader loses nothing and slows nobody else. Both streams must be read, or
// one thread must read with read_async, lest a command that fills the other stream wait for ever.
//
// Thread-safe. Every call may fail with `stopped` when the box goes away.
class BOXLITE_API Execution {
 public:
  explicit Execution(std::shared_ptr<backend::Execution> backend);

  // Unique in the box.
  const std::string& id() const;

  // Blocks until all bytes are taken (the box holds up to 256 KiB unread). invalid_state without
  // ExecSpec::use_stdin or after close_stdin.
  Result<void> write_stdin(std::span<const std::byte> bytes);
  // The command sees end of file once it has read what was written. A second call does nothing.
  Result<void> close_stdin();

  // Blocks until there is at least one byte, reads at most buffer.size() of them; 0 is the end of the stream.
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer);

  // Blocks until the command has ended and all its output has arrived here. Any number of threads may wait,
  // also again later.
  Result<ExitStatus> wait();

  // Sends a signal to the command's first process (`kill -l` numbers of Linux x86-64). not_found after its
  // end.
  Result<void> send_signal(int signal);
  // SIGKILL to the command and everything it started.
  Result<void> kill();
  // invalid_state without a terminal.
  Result<void> resize(TerminalSize size);

  // The same without blocking. The callback runs once, on the Runtime's I/O thread: it must not block and
  // must not call the blocking functions; it may start the next read. An empty vector is the end of the
  // stream. One read per stream at a time (invalid_state).
  void read_async(OutputStream stream, std::function<void(Result<std::vector<std::byte>>)> callback);
  void wait_async(std::function<void(Result<ExitStatus>)> callback);

 private:
  std::shared_ptr<backend::Execution> backend_;
};

}  // namespace boxlite
