// SPDX-License-Identifier: Apache-2.0
#include "memory_execution.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/waiting.h"
#include "box/call.h"
#include "linux/readiness.h"
#include "memory_box.h"

namespace boxlite::test {
namespace {

std::size_t index_of(OutputStream stream) {
  return stream == OutputStream::stdout_ ? 0 : 1;
}

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(syscall_error("pipe", "", errno));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

MemoryExecution::MemoryExecution(ExecSpec spec) : id_(new_id()), spec_(std::move(spec)) {}

Result<std::shared_ptr<MemoryExecution>> MemoryExecution::start(const ExecSpec& spec) {
  std::shared_ptr<MemoryExecution> execution(new MemoryExecution(spec));
  if (auto spawned = execution->spawn(); !spawned) {
    if (spawned.error().code() != ErrorCode::not_found) return std::unexpected(std::move(spawned).error());
    execution->status_ = ExitStatus{.exit_code = 127, .reason = spawned.error().message()};
  }
  return execution;
}

Result<void> MemoryExecution::spawn() {
  linux_::ChildSpec child{.arguments = {spec_.command.begin() + 1, spec_.command.end()},
                          .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                          .working_dir = "/",
                          .group = linux_::ProcessGroup::session};
  child.program = BOXLITE_TRY(linux_::find_program(spec_.command.front()));
  for (const auto& [name, value] : spec_.env) child.environment.push_back(concat(name, "=", value));
  auto in = BOXLITE_TRY(make_pipe());
  auto out = BOXLITE_TRY(make_pipe());
  auto err = BOXLITE_TRY(make_pipe());
  if (spec_.use_stdin) child.fds.push_back({in.reader.get(), 0});
  child.fds.push_back({out.writer.get(), 1});
  child.fds.push_back({err.writer.get(), 2});
  child_ = BOXLITE_TRY(linux_::ChildProcess::spawn(child));
  if (spec_.use_stdin) stdin_ = std::move(in.writer);
  outputs_[0] = std::move(out.reader);
  outputs_[1] = std::move(err.reader);
  start_thread([self = shared_from_this()] { self->reap(); }).detach();
  return {};
}

void MemoryExecution::reap() {
  const auto deadline = spec_.timeout.count() > 0 ? Deadline::after(spec_.timeout) : Deadline::never();
  auto end = child_->wait(deadline);
  const bool timed_out = !end && end.error().code() == ErrorCode::timed_out;
  if (timed_out) {
    ::kill(-child_->pid(), SIGKILL);
    end = child_->wait(Deadline::never());
  }
  const std::lock_guard lock(mutex_);
  status_ = ExitStatus{
      .exit_code = end ? end->exit_code : 0, .signal = end ? end->signal : 0, .timed_out = timed_out};
  changed_.notify_all();
}

ExecutionInfo MemoryExecution::info() const {
  const std::lock_guard lock(mutex_);
  return {.id = id_, .command = spec_.command, .pid = child_ ? child_->pid() : 0, .status = status_};
}

Result<bool> MemoryExecution::wait_started(const CallOptions&) {
  return child_.has_value();
}

std::uint64_t MemoryExecution::offset(OutputStream stream) const {
  return offsets_[index_of(stream)];
}

Result<void> MemoryExecution::write_stdin(std::span<const std::byte> bytes, const CallOptions&) {
  if (!stdin_.is_open()) return fail(ErrorCode::invalid_state, "the command has no stdin");
  return write_all(stdin_.get(), std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                   "stdin");
}

Result<void> MemoryExecution::close_stdin() {
  stdin_.reset();
  return {};
}

Result<std::size_t> MemoryExecution::read(OutputStream stream, std::span<std::byte> buffer,
                                          const CallOptions& call) {
  const auto index = index_of(stream);
  if (!outputs_[index].is_open()) return 0U;
  const auto deadline = box::deadline_of(call);
  if (!linux_::wait_until_ready(outputs_[index].get(), POLLIN, deadline))
    return fail(deadline.error("read the command's output"));
  const auto count = ::read(outputs_[index].get(), buffer.data(), buffer.size());
  if (count < 0) return fail(syscall_error("read", "output", errno));
  offsets_[index] += static_cast<std::uint64_t>(count);
  return static_cast<std::size_t>(count);
}

Result<ExitStatus> MemoryExecution::wait(const CallOptions& call) {
  std::unique_lock lock(mutex_);
  const auto deadline = box::deadline_of(call);
  if (!wait_until(changed_, lock, deadline, [this] { return status_.has_value(); }))
    return fail(deadline.error("wait for the command's end"));
  return *status_;
}

Result<void> MemoryExecution::send_signal(int signal) {
  const std::lock_guard lock(mutex_);
  if (status_) return fail(ErrorCode::invalid_state, concat("signal ", in_quotes(id_), ": it has ended"));
  ::kill(child_->pid(), signal);
  return {};
}

Result<void> MemoryExecution::kill() {
  const std::lock_guard lock(mutex_);
  if (!status_) ::kill(-child_->pid(), SIGKILL);
  return {};
}

Result<void> MemoryExecution::resize(TerminalSize) {
  return fail(ErrorCode::invalid_state, "the command has no terminal");
}

void MemoryExecution::read_async(OutputStream stream,
                                 std::function<void(Result<std::vector<std::byte>>)> callback) {
  start_thread([self = shared_from_this(), stream, callback = std::move(callback)] {
    std::vector<std::byte> buffer(64 << 10);
    const auto count = self->read(stream, buffer, {});
    if (!count) return callback(std::unexpected(count.error()));
    buffer.resize(*count);
    callback(std::move(buffer));
  }).detach();
}

void MemoryExecution::wait_async(std::function<void(Result<ExitStatus>)> callback) {
  start_thread([self = shared_from_this(), callback = std::move(callback)] {
    callback(self->wait({}));
  }).detach();
}

}  // namespace boxlite::test
