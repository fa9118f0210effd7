// SPDX-License-Identifier: Apache-2.0
// One command in a box, seen from the host: the stream of Exec.Start or Exec.Attach, split into stdout and
// stderr.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boxlite/execution.hpp>

#include "agentlink/connection.h"
#include "base/result.h"
#include "base/time.h"

namespace boxlite::box {

// What ExecResult says, in the API's words.
ExitStatus exit_status(const wire::msg::ExecResult& result);

ExecutionInfo execution_info(const wire::msg::ExecSummary& summary);

inline constexpr std::string_view main_execution_id = "main";

// What the user asked for, as the guest is told it.
wire::msg::ExecRequest exec_request(const ExecSpec& spec, std::string_view id);

// Thread-safe. The I/O thread moves output from the stream into two bounded buffers; readers wait for that.
// `owner` is kept as long as this object: it owns the EventLoop, which must run for as long as somebody
// waits. Behaviour: boxlite/execution.hpp.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  using Connection = std::shared_ptr<agentlink::Connection>;

  static Result<std::shared_ptr<Execution>> start(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                                  Connection connection,
                                                  const wire::msg::ExecRequest& request);
  static Result<std::shared_ptr<Execution>> attach(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                                   Connection connection, std::string_view id,
                                                   const AttachOptions& options);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  ~Execution();

  const std::string& id() const { return id_; }
  Result<bool> wait_started(const Deadline& deadline);
  bool has_terminal() const;
  std::uint64_t offset(OutputStream stream) const;
  std::uint64_t skipped(OutputStream stream) const;
  std::string disk_error() const;
  Result<void> write_stdin(std::span<const std::byte> bytes, const Deadline& deadline);
  Result<void> close_stdin();
  Result<std::size_t> read(OutputStream stream, std::span<std::byte> buffer, const Deadline& deadline);
  Result<ExitStatus> wait(const Deadline& deadline);
  Result<void> send_signal(int signal, bool whole_group);
  void detach();
  Result<void> resize(TerminalSize size);

  using ReadCallback = std::function<void(Result<std::vector<std::byte>>)>;
  using WaitCallback = std::function<void(Result<ExitStatus>)>;
  void read_async(OutputStream stream, ReadCallback callback);
  void wait_async(WaitCallback callback);

  // `callback` is called once, on the I/O thread, when the command has ended or was lost.
  void on_end(std::function<void()> callback);

 private:
  using Stream = std::variant<agentlink::Stream<wire::ExecStart>, agentlink::Stream<wire::ExecAttach>>;
  struct Output {
    std::string bytes;          // not yet read
    std::size_t begin = 0;      // of them in the string
    ReadCallback reader;        // of a read_async under way
    std::uint64_t offset = 0;   // of the first byte not yet read, in the whole stream
    std::uint64_t skipped = 0;  // bytes that were wanted and are gone
    std::size_t size() const { return bytes.size() - begin; }
  };

  Execution(linux_::EventLoop& loop, std::shared_ptr<void> owner, Connection connection, std::string id,
            Stream stream);
  void watch();
  void handle_change();
  bool pump_locked();
  bool take_message_locked();
  void take_end_locked();
  void store_locked(const wire::msg::ExecOutput& message);
  void note_start_locked(const wire::msg::ExecStarted& started);
  void dispatch();
  std::vector<std::function<void()>> ready_callbacks_locked();
  const Output& output(OutputStream stream) const {
    return outputs_[stream == OutputStream::stdout_ ? 0 : 1];
  }
  Output& output(OutputStream stream) { return outputs_[stream == OutputStream::stdout_ ? 0 : 1]; }
  Result<void> write_input(const wire::msg::ExecInput& input, const Deadline& deadline);

  const std::shared_ptr<void> owner_;  // first, so that it goes last
  linux_::EventLoop& loop_;
  const Connection connection_;
  const std::string id_;

  std::mutex stdin_mutex_;  // held over a whole write, so that concurrent ones do not mix
  std::atomic<bool> takes_stdin_ = true;
  bool stdin_is_closed_ = false;

  mutable std::mutex mutex_;
  bool has_terminal_ = false;
  bool is_attached_ = false;  // to what another handle has started
  bool has_started_ = false;
  std::condition_variable_any changed_;
  Output outputs_[2];
  std::string disk_error_;
  std::optional<Result<ExitStatus>> end_;  // known; all output before it has been taken once drained_
  bool drained_ = false;
  std::vector<WaitCallback> waiters_;
  std::vector<std::function<void()>> end_watchers_;
  std::shared_ptr<Execution> self_;  // while an asynchronous call is under way

  Stream stream_;  // last: its callback refers to all of the above
};

}  // namespace boxlite::box
