// SPDX-License-Identifier: Apache-2.0
#include "box/exec/execution.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/concat.h"
#include "base/waiting.h"
#include "box/spec/spec_check.h"
#include "wire/credit.h"

namespace boxlite::box {
namespace {

using namespace std::chrono_literals;

// A message with this much input fits into a frame, whatever the protobuf around it.
constexpr std::size_t input_piece = 32u << 10;
// What is kept of a stream that nobody reads; beyond it the guest is told to wait.
constexpr std::size_t output_limit = wire::initial_credit;
constexpr std::chrono::milliseconds call_limit = 30s;

TimePoint time_point(std::uint64_t unix_ns) {
  return TimePoint(nanoseconds_from(unix_ns));
}

Error no_input(std::string_view why) {
  return Error(ErrorCode::invalid_state, concat("write to the command's stdin: ", why));
}

}  // namespace

ExitStatus exit_status(const wire::msg::ExecResult& result) {
  ExitStatus status;
  status.exit_code = static_cast<int>(result.exit_code());
  status.signal = static_cast<int>(result.signal());
  status.timed_out = result.timed_out();
  status.oom_killed = result.oom_killed();
  status.reason = result.error();
  status.cpu_time = nanoseconds_from(result.cpu_ns());
  status.peak_memory_bytes = result.peak_memory_bytes();
  status.started_at = time_point(result.started_at_ns());
  status.ended_at = time_point(result.ended_at_ns());
  return status;
}

ExecutionInfo execution_info(const wire::msg::ExecSummary& summary) {
  ExecutionInfo execution{.id = summary.id(),
                          .command = {summary.args().begin(), summary.args().end()},
                          .is_main = summary.is_main(),
                          .pid = static_cast<int>(summary.pid()),
                          .started_at = time_point(summary.started_at_ns()),
                          .has_terminal = summary.has_terminal(),
                          .has_stdin = summary.has_stdin(),
                          .stdin_is_taken = summary.stdin_is_taken(),
                          .stdout_bytes = summary.stdout_bytes(),
                          .stderr_bytes = summary.stderr_bytes()};
  if (!summary.is_running()) execution.status = exit_status(summary.result());
  return execution;
}

wire::msg::ExecRequest exec_request(const ExecSpec& spec, std::string_view id) {
  wire::msg::ExecRequest request;
  request.set_id(std::string(id));
  for (const auto& word : spec.command) request.add_args(word);
  for (const auto& [name, value] : spec.env) request.add_env(concat(name, "=", value));
  request.set_working_dir(spec.working_dir);
  request.set_user(spec.user);
  request.set_use_stdin(spec.use_stdin || spec.terminal.has_value());
  if (spec.terminal) {
    request.mutable_terminal()->set_rows(spec.terminal->rows);
    request.mutable_terminal()->set_columns(spec.terminal->columns);
  }
  request.set_timeout_ms(static_cast<std::uint64_t>(spec.timeout.count()));
  request.set_privileged(spec.privileged);
  return request;
}

Execution::Execution(linux_::EventLoop& loop, std::shared_ptr<void> owner, Connection connection,
                     std::string id, Stream stream)
    : owner_(std::move(owner)),
      loop_(loop),
      connection_(std::move(connection)),
      id_(std::move(id)),
      stream_(std::move(stream)) {}

Execution::~Execution() = default;

Result<std::shared_ptr<Execution>> Execution::start(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                                    Connection connection,
                                                    const wire::msg::ExecRequest& request) {
  auto stream = BOXLITE_TRY(connection->open<wire::ExecStart>(request));
  std::shared_ptr<Execution> execution(
      new Execution(loop, std::move(owner), std::move(connection), request.id(), std::move(stream)));
  execution->takes_stdin_ = request.use_stdin();
  execution->has_terminal_ = request.has_terminal();
  execution->watch();
  return execution;
}

Result<std::shared_ptr<Execution>> Execution::attach(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                                     Connection connection, std::string_view id,
                                                     const AttachOptions& options) {
  wire::msg::AttachRequest request;
  request.set_id(std::string(id));
  request.set_stdout_offset(options.stdout_offset);
  request.set_stderr_offset(options.stderr_offset);
  request.set_use_stdin(options.use_stdin);
  auto stream = BOXLITE_TRY(connection->open<wire::ExecAttach>(request));
  std::shared_ptr<Execution> execution(
      new Execution(loop, std::move(owner), std::move(connection), std::string(id), std::move(stream)));
  execution->takes_stdin_ = options.use_stdin;
  execution->is_attached_ = true;
  execution->outputs_[0].offset = options.stdout_offset;
  execution->outputs_[1].offset = options.stderr_offset;
  execution->watch();
  return execution;
}

void Execution::watch() {
  std::visit(
      [&](auto& stream) {
        stream.on_change([weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->handle_change();
        });
      },
      stream_);
}

void Execution::handle_change() {
  {
    const std::lock_guard lock(mutex_);
    pump_locked();
  }
  changed_.notify_all();
  dispatch();
}

// Moves what has arrived into the buffers. Called whenever something arrived and whenever room was made.
bool Execution::pump_locked() {
  bool has_moved = false;
  while (!drained_) {
    if (take_message_locked()) {
      has_moved = true;
      continue;
    }
    if (end_) {
      // The end was known before the stream turned out to be empty: nothing can follow.
      drained_ = outputs_[0].size() < output_limit && outputs_[1].size() < output_limit;
      return has_moved || drained_;
    }
    take_end_locked();
    if (!end_) break;
  }
  return has_moved;
}

bool Execution::take_message_locked() {
  if (outputs_[0].size() >= output_limit || outputs_[1].size() >= output_limit) return false;
  auto message = std::visit([](auto& stream) { return stream.try_read(); }, stream_);
  if (!message) {
    if (!end_) end_ = std::unexpected(std::move(message).error());
    return false;
  }
  if (!*message) return false;
  store_locked(**message);
  return true;
}

void Execution::take_end_locked() {
  auto result = std::visit([](auto& stream) { return stream.try_result(); }, stream_);
  if (!result) return;
  if (*result) {
    end_ = exit_status(**result);
  } else {
    end_ = std::unexpected(std::move(*result).error());
  }
}

void Execution::note_start_locked(const wire::msg::ExecStarted& started) {
  has_started_ = true;
  if (!is_attached_) return;
  has_terminal_ = started.has_terminal();
  if (!started.has_stdin()) takes_stdin_ = false;
  const std::uint64_t begins[2] = {started.stdout_begin(), started.stderr_begin()};
  for (int i = 0; i < 2; ++i) {
    auto& output = outputs_[i];
    if (begins[i] > output.offset) output.skipped = begins[i] - output.offset;
    output.offset = begins[i];
  }
}

void Execution::store_locked(const wire::msg::ExecOutput& message) {
  if (message.has_started()) return note_start_locked(message.started());
  if (message.has_disk_error()) disk_error_ = message.disk_error();
  const bool is_stdout = message.has_stdout();
  if (!is_stdout && !message.has_stderr()) return;
  auto& output = outputs_[is_stdout ? 0 : 1];
  if (output.begin > output_limit) {
    output.bytes.erase(0, output.begin);
    output.begin = 0;
  }
  output.bytes += is_stdout ? message.stdout() : message.stderr();
}

Result<bool> Execution::wait_started(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (!wait_until(changed_, lock, deadline, [&] { return has_started_ || end_; }))
    return fail(deadline.error("wait for the command's start"));
  if (has_started_) return true;
  if (!*end_) return std::unexpected(end_->error());
  return false;
}

bool Execution::has_terminal() const {
  const std::lock_guard lock(mutex_);
  return has_terminal_;
}

std::string Execution::disk_error() const {
  const std::lock_guard lock(mutex_);
  return disk_error_;
}

std::uint64_t Execution::offset(OutputStream stream) const {
  const std::lock_guard lock(mutex_);
  return output(stream).offset;
}

std::uint64_t Execution::skipped(OutputStream stream) const {
  const std::lock_guard lock(mutex_);
  return output(stream).skipped;
}

Result<std::size_t> Execution::read(OutputStream stream, std::span<std::byte> buffer,
                                    const Deadline& deadline) {
  if (buffer.empty()) return fail(ErrorCode::invalid_argument, "read into an empty buffer");
  std::unique_lock lock(mutex_);
  auto& from = output(stream);
  if (!wait_until(changed_, lock, deadline, [&] { return from.size() > 0 || drained_; }))
    return fail(deadline.error("read the command's output"));
  if (from.size() == 0) {
    if (!*end_) return std::unexpected(end_->error());
    return std::size_t{0};
  }
  const auto count = std::min(buffer.size(), from.size());
  std::memcpy(buffer.data(), from.bytes.data() + from.begin, count);
  from.begin += count;
  from.offset += count;
  if (from.size() == 0) {
    from.bytes.clear();
    from.begin = 0;
  }
  // The room just made may let in what others wait for.
  const bool has_moved = pump_locked();
  lock.unlock();
  if (has_moved) {
    changed_.notify_all();
    loop_.post([self = shared_from_this()] { self->dispatch(); });
  }
  return count;
}

Result<ExitStatus> Execution::wait(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (!wait_until(changed_, lock, deadline, [&] { return drained_; }))
    return fail(deadline.error("wait for the command's end"));
  return *end_;
}

void Execution::read_async(OutputStream stream, ReadCallback callback) {
  {
    const std::lock_guard lock(mutex_);
    auto& from = output(stream);
    if (from.reader) {
      loop_.post([callback = std::move(callback)] {
        callback(fail(ErrorCode::invalid_state, "read output: another read of this stream is under way"));
      });
      return;
    }
    from.reader = std::move(callback);
    self_ = shared_from_this();
  }
  loop_.post([self = shared_from_this()] { self->handle_change(); });
}

void Execution::wait_async(WaitCallback callback) {
  {
    const std::lock_guard lock(mutex_);
    waiters_.push_back(std::move(callback));
    self_ = shared_from_this();
  }
  loop_.post([self = shared_from_this()] { self->handle_change(); });
}

void Execution::on_end(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    end_watchers_.push_back(std::move(callback));
  }
  loop_.post([self = shared_from_this()] { self->handle_change(); });
}

// Runs the callbacks whose time has come, on the loop's thread and without the lock: they may call back.
void Execution::dispatch() {
  std::shared_ptr<Execution> self;
  while (true) {
    std::vector<std::function<void()>> ready;
    {
      const std::lock_guard lock(mutex_);
      ready = ready_callbacks_locked();
      const bool is_waited_for = outputs_[0].reader || outputs_[1].reader || !waiters_.empty();
      if (!is_waited_for && self_) self = std::move(self_);
    }
    if (ready.empty()) return;
    changed_.notify_all();
    for (const auto& callback : ready) loop_.call(callback);
  }
}

std::vector<std::function<void()>> Execution::ready_callbacks_locked() {
  std::vector<std::function<void()>> ready;
  for (auto& from : outputs_) {
    if (!from.reader || (from.size() == 0 && !drained_)) continue;
    Result<std::vector<std::byte>> bytes;
    if (from.size() == 0 && !*end_) {
      bytes = std::unexpected(end_->error());
    } else {
      bytes->resize(from.size());
      if (from.size() > 0) std::memcpy(bytes->data(), from.bytes.data() + from.begin, from.size());
    }
    from.offset += from.size();
    from.bytes.clear();
    from.begin = 0;
    ready.emplace_back(
        [reader = std::exchange(from.reader, nullptr), bytes = std::move(bytes)] { reader(bytes); });
  }
  pump_locked();
  if (!drained_) return ready;
  for (auto& waiter : std::exchange(waiters_, {})) {
    ready.emplace_back([waiter = std::move(waiter), end = *end_] { waiter(end); });
  }
  for (auto& watcher : std::exchange(end_watchers_, {})) ready.push_back(std::move(watcher));
  return ready;
}

Result<void> Execution::write_input(const wire::msg::ExecInput& input, const Deadline& deadline) {
  return std::visit([&](auto& stream) { return stream.write(input, deadline); }, stream_);
}

Result<void> Execution::write_stdin(std::span<const std::byte> bytes, const Deadline& deadline) {
  const std::lock_guard lock(stdin_mutex_);
  if (!takes_stdin_)
    return fail(no_input(is_attached_ ? "it was attached without use_stdin, or its stdin is closed"
                                      : "it was started without use_stdin"));
  if (stdin_is_closed_) return fail(no_input("it was closed"));
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), input_piece));
    wire::msg::ExecInput input;
    input.set_stdin(piece.data(), piece.size());
    BOXLITE_TRY_CONTEXT("write to the command's stdin", write_input(input, deadline));
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

Result<void> Execution::close_stdin() {
  const std::lock_guard lock(stdin_mutex_);
  if (stdin_is_closed_ || !takes_stdin_) return {};
  stdin_is_closed_ = true;
  wire::msg::ExecInput input;
  input.set_close_stdin(true);
  auto closed = write_input(input, Deadline::never());
  // A command that has ended does not read any more: that is what closing is for.
  if (!closed && closed.error().code() == ErrorCode::invalid_state) return {};
  return closed;
}

Result<void> Execution::send_signal(int signal, bool whole_group) {
  BOXLITE_TRY(check_signal(signal));
  wire::msg::SignalRequest request;
  request.set_id(id_);
  request.set_signal(static_cast<std::uint32_t>(signal));
  request.set_whole_group(whole_group);
  BOXLITE_TRY_CONTEXT(concat("signal command ", in_quotes(id_)),
                      connection_->call<wire::ExecSignal>(request, Deadline::after(call_limit)));
  return {};
}

void Execution::detach() {
  std::visit([](auto& stream) { stream.reset(); }, stream_);
  {
    const std::lock_guard lock(mutex_);
    for (auto& output : outputs_) {
      output.bytes.clear();
      output.begin = 0;
    }
    pump_locked();
  }
  changed_.notify_all();
  loop_.post([self = shared_from_this()] { self->dispatch(); });
}

Result<void> Execution::resize(TerminalSize size) {
  if (!has_terminal()) return fail(ErrorCode::invalid_state, "resize terminal: the command has none");
  wire::msg::ExecInput input;
  input.mutable_resize()->set_rows(size.rows);
  input.mutable_resize()->set_columns(size.columns);
  return write_input(input, Deadline::after(call_limit));
}

}  // namespace boxlite::box
