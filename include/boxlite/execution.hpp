// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>
#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/output.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

namespace backend {
class Execution;
}

enum class OutputStream { stdout_, stderr_ };

// "stdout" or "stderr". Thread-safe.
BOXLITE_API std::string_view name(OutputStream stream);

// How to come to a command that runs already, or has ended.
struct AttachOptions {
  // The first byte wanted of each stream, counted from the command's first one: Execution::offset() of the
  // handle that was lost. The box keeps the last 256 KiB of a stream; Execution::skipped() says how many of
  // the bytes asked for were gone.
  std::uint64_t stdout_offset = 0;
  std::uint64_t stderr_offset = 0;
  // Claim the command's stdin. It has one writer at a time: while another one lives, invalid_state.
  bool use_stdin = false;
};

// A command as it was at one moment.
struct ExecutionInfo {
  std::string id = {};
  std::vector<std::string> command = {};  // cut short when very many commands are listed
  bool is_main = false;                   // its end is the end of the box
  int pid = 0;                            // in the box; 0: it could not be started
  TimePoint started_at = {};
  bool has_terminal = false;
  bool has_stdin = false;          // its stdin is open
  bool stdin_is_taken = false;     // by a client that lives
  std::uint64_t stdout_bytes = 0;  // written so far
  std::uint64_t stderr_bytes = 0;
  std::optional<ExitStatus> status = {};  // once it has ended
};

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

  // Blocks until the program runs. False: it could not be started, and wait() says why. An error of the
  // request itself, such as an unknown user, is an error here too.
  Result<bool> wait_started(const CallOptions& call = {});
  // Known when wait_started() has returned.
  bool has_terminal() const;

  // How many bytes of the stream lie before the next one that read gives: what AttachOptions wants from
  // whoever comes back to this command.
  std::uint64_t offset(OutputStream stream) const;
  // How many of the bytes that attach asked for were gone before it came. Never changes afterwards.
  std::uint64_t skipped(OutputStream stream) const;

  // What the box's kernel says of its damaged disk (BoxInfo::disk), as far as this handle has heard while the
  // command ran; empty: nothing. Never blocks.
  std::string disk_error() const;

  // Blocks until all bytes are taken (the box holds up to 256 KiB unread). invalid_state without
  // ExecSpec::use_stdin or AttachOptions::use_stdin, or after close_stdin. Ended early, some of them may have
  // been taken.
  Result<void> write_stdin(std::span<const std::byte> bytes, const CallOptions& call = {});
  // The command sees end of file once it has read what was written. A second call does nothing.
  Result<void> close_stdin();

  // Blocks until there is at least one byte, reads at most buffer.size() of them; 0 is the end of the stream.
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer, const CallOptions& call = {});

  // Blocks until the command has ended and all its output has arrived here. Any number of threads may wait,
  // also again later. Output that is not read meanwhile may make it wait for
  // ever: communicate() reads it.
  Result<ExitStatus> wait(const CallOptions& call = {});

  // Writes `input`, closes stdin, reads both streams and waits for the end, all at once: cannot hang, however
  // much the command writes or leaves unread. Instead of all of read, wait, write_stdin and close_stdin. A
  // command that does not read its input is no error. On failure, also when the call was stopped, the command
  // is killed and let go of (detach).
  Result<Output> communicate(std::span<const std::byte> input = {}, const OutputOptions& options = {},
                             const CallOptions& call = {});

  // Sends a signal to the command's first process (`kill -l` numbers of Linux x86-64). invalid_state after
  // its end.
  Result<void> send_signal(int signal);
  // SIGKILL to the command and everything it started.
  Result<void> kill();
  // Lets go of the command, which runs on: reads and waits under way, and all later ones, end with
  // `cancelled`, and the claim on stdin is given up. Only id() and the signals are of use afterwards.
  void detach();
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
