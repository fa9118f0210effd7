// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/execution.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/exec/terminal.h"
#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "base/concat.h"
#include "linux/process/pidfd.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

// A list of many must fit into one frame.
constexpr std::size_t longest_listed_error = 100;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "", errno));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void make_non_blocking(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

}  // namespace

Execution::Execution(linux_::EventLoop& loop, Channel& channel, const Container& container,
                     CommandCgroup cgroup, const wire::msg::ExecRequest& request, Listener& listener)
    : loop_(loop),
      channel_(channel),
      container_(container),
      listener_(listener),
      id_(request.id()),
      args_(request.args().begin(), request.args().end()),
      is_main_(request.is_main()),
      has_terminal_(request.has_terminal()),
      cgroup_name_(std::move(cgroup.name)),
      cgroup_(std::move(cgroup.cgroup)) {}

Execution::~Execution() {
  outputs_ = {};
  tidy_cgroup();
}

Result<std::unique_ptr<Execution>> Execution::start(linux_::EventLoop& loop, Channel& channel,
                                                    const Container& container, CommandCgroup cgroup,
                                                    const wire::msg::ExecRequest& request, Listener& listener,
                                                    std::optional<FirstProcess> first) {
  // First of all: it removes the cgroup when the rest fails.
  std::unique_ptr<Execution> execution(
      new Execution(loop, channel, container, std::move(cgroup), request, listener));
  const auto plan = BOXLITE_TRY(make_launch_plan(container, request));
  BOXLITE_TRY(execution->launch_command(request, plan, std::move(first)));
  return execution;
}

Result<void> Execution::launch_command(const wire::msg::ExecRequest& request, const LaunchPlan& plan,
                                       std::optional<FirstProcess> first) {
  BOXLITE_TRY_CONTEXT("open streams", open_streams(request));
  result_.set_started_at_ns(wall_clock_ns());
  if (first) cpu_before_ns_ = container_.preparing_cpu_ns();
  const StandardFds fds{child_fds_.in.get(), child_fds_.out.get(), child_fds_.err.get(), has_terminal_};
  auto outcome = BOXLITE_TRY(first ? launch_main(container_, *std::move(first), plan, fds, request.use_init())
                                   : launch(container_, cgroup_->fd(), plan, fds));
  child_fds_ = {};
  if (const auto* const failure = std::get_if<LaunchFailure>(&outcome)) {
    set_failure(*failure);
    return {};
  }
  auto& launched = std::get<Launched>(outcome);
  pidfd_ = std::move(launched.pidfd);
  container_pid_ = launched.container_pid;
  return watch_process(request.timeout_ms());
}

Result<void> Execution::open_streams(const wire::msg::ExecRequest& request) {
  if (has_terminal_) {
    auto terminal = BOXLITE_TRY(container_.open_terminal());
    set_terminal_size(terminal.first.get(), request.terminal());
    stdin_.reset(::fcntl(terminal.first.get(), F_DUPFD_CLOEXEC, 3));
    outputs_[0].fd = std::move(terminal.first);
    child_fds_.out.reset(::fcntl(terminal.second.get(), F_DUPFD_CLOEXEC, 3));
    child_fds_.err.reset(::fcntl(terminal.second.get(), F_DUPFD_CLOEXEC, 3));
    child_fds_.in = std::move(terminal.second);
  } else {
    auto out = BOXLITE_TRY(make_pipe());
    auto err = BOXLITE_TRY(make_pipe());
    make_non_blocking(out.reader.get());
    make_non_blocking(err.reader.get());
    outputs_[0].fd = std::move(out.reader);
    outputs_[1].fd = std::move(err.reader);
    child_fds_.out = std::move(out.writer);
    child_fds_.err = std::move(err.writer);
    if (request.use_stdin()) {
      auto in = BOXLITE_TRY(make_pipe());
      make_non_blocking(in.writer.get());
      stdin_ = std::move(in.writer);
      child_fds_.in = std::move(in.reader);
    } else {
      child_fds_.in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    auto& output = outputs_[i];
    if (!output.fd.is_open()) continue;
    output.watch = BOXLITE_TRY(
        loop_.watch(output.fd.get(), true, false, [this, i](linux_::Readiness) { read_output(i); }));
  }
  if (!stdin_.is_open()) return {};
  stdin_watch_ =
      BOXLITE_TRY(loop_.watch(stdin_.get(), false, false, [this](linux_::Readiness) { write_input(); }));
  return {};
}

Result<void> Execution::watch_process(std::uint64_t timeout_ms) {
  if (timeout_ms != 0) {
    constexpr std::uint64_t longest = std::uint64_t{1000} * 3600 * 24 * 365;
    timeout_ =
        loop_.after(std::chrono::milliseconds(std::min(timeout_ms, longest)), [this] { on_timeout(); });
  }
  exit_watch_ = BOXLITE_TRY(loop_.watch_exit(pidfd_.get(), [this] { on_process_end(); }));
  return {};
}

void Execution::set_failure(const LaunchFailure& failure) {
  result_.set_exit_code(failure.exit_code);
  result_.set_error(failure.text);
  result_.set_ended_at_ns(wall_clock_ns());
  for (std::size_t i = 0; i < outputs_.size(); ++i) finish_output(i);
  drop_output();
  drop_input();
}

void Execution::on_timeout() {
  timed_out_ = true;
  if (const auto done = cgroup_->kill_all(); !done) (void)linux_::send_signal(pidfd_.get(), SIGKILL);
}

void Execution::on_process_end() {
  const auto end = linux_::reap(pidfd_.get());
  if (!end) return log_line(end.error().message());
  const auto usage = cgroup_->usage();
  if (end->signal != 0) {
    result_.set_signal(static_cast<std::uint32_t>(end->signal));
  } else {
    result_.set_exit_code(static_cast<std::uint32_t>(end->exit_code));
  }
  result_.set_timed_out(timed_out_);
  result_.set_oom_killed(usage.oom_kills > 0);
  const auto cpu_ns = std::max(usage.cpu_ns, end->cpu_ns);
  result_.set_cpu_ns(cpu_ns - std::min(cpu_ns, cpu_before_ns_));
  result_.set_peak_memory_bytes(usage.peak_memory_bytes != 0 ? usage.peak_memory_bytes : end->peak_rss_bytes);
  result_.set_ended_at_ns(std::max(wall_clock_ns(), result_.started_at_ns()));
  listener_.look_at_disk();
  exit_watch_.reset();
  timeout_.reset();
  pidfd_.reset();
  drop_input();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    auto& output = outputs_[i];
    int waiting = 0;
    // A terminal hides what is on its way to the reader; read it until it says that there is no more.
    constexpr int terminal_limit = 256 << 10;
    if (output.fd.is_open() && !has_terminal_) ::ioctl(output.fd.get(), FIONREAD, &waiting);
    output.left_to_drain = static_cast<std::size_t>(has_terminal_ ? terminal_limit : std::max(waiting, 0));
    read_output(i);
  }
  pump();
  listener_.on_end(*this);
}

Result<void> Execution::signal(int number, bool whole_group) {
  if (number < 1 || number > 64)
    return fail(ErrorCode::invalid_argument, concat("signal ", number, " is out of range: 1 to 64"));
  if (!whole_group) {
    if (!is_running())
      return fail(ErrorCode::invalid_state, concat("signal ", in_quotes(id_), ": it has ended"));
    return linux_::send_signal(pidfd_.get(), number);
  }
  if (!cgroup_) return fail(ErrorCode::invalid_state, concat("signal ", in_quotes(id_), ": it has ended"));
  if (number == SIGKILL) return cgroup_->kill_all();
  for (const pid_t pid : BOXLITE_TRY(cgroup_->processes())) ::kill(pid, number);
  return {};
}

bool Execution::tidy_cgroup() {
  if (is_running() || !cgroup_) return !cgroup_.has_value();
  if (!container_.cgroup().remove_child(cgroup_name_)) return false;
  cgroup_.reset();
  return true;
}

wire::msg::ExecSummary Execution::summary() const {
  wire::msg::ExecSummary summary;
  summary.set_id(id_);
  summary.set_pid(static_cast<std::uint32_t>(container_pid_));
  summary.set_is_running(is_running());
  summary.set_started_at_ns(result_.started_at_ns());
  if (!is_running()) {
    *summary.mutable_result() = result_;
    auto& error = *summary.mutable_result()->mutable_error();
    error.resize(std::min(error.size(), longest_listed_error));
  }
  summary.set_has_terminal(has_terminal_);
  summary.set_has_stdin(has_open_stdin());
  summary.set_stdin_is_taken(stdin_is_taken());
  summary.set_is_main(is_main_);
  summary.set_stdout_bytes(outputs_[0].ring.end());
  summary.set_stderr_bytes(outputs_[1].ring.end());
  return summary;
}

std::size_t Execution::memory() const {
  return outputs_[0].ring.memory() + outputs_[1].ring.memory();
}

}  // namespace boxlite::agent
