// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/signal_relay.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/terminal/pipe.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr auto second_interrupt_kills = std::chrono::seconds(2);
constexpr auto grace_after_broken_pipe = std::chrono::seconds(1);
// A box that answers at all does so in milliseconds.
constexpr auto answer_limit = std::chrono::milliseconds(1'000);
// The guest ends the command at its time; on a busy host it may take a while to tell.
constexpr auto grace_after_time_limit = std::chrono::seconds(5);
constexpr auto kill_answer_limit = std::chrono::milliseconds(5'000);
constexpr unsigned char end_of_relay = 0;

// A signal handler has no other way to know where to write.
std::atomic<int> handler_fd = -1;

extern "C" void note_signal(int signal) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe means that 64 Ki signals wait already.
  [[maybe_unused]] const auto written = ::write(handler_fd.load(), &byte, 1);
  errno = saved_errno;
}

}  // namespace

Result<std::unique_ptr<SignalRelay>> SignalRelay::start(const Execution& execution, SignalRules rules) {
  auto pipe = make_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  // The handler must never block.
  ::fcntl(pipe->writer.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<SignalRelay>(
      new SignalRelay(execution, std::move(rules), std::move(pipe->reader), std::move(pipe->writer)));
}

SignalRelay::SignalRelay(const Execution& execution, SignalRules rules, Descriptor reader, Descriptor writer)
    : execution_(execution),
      calls_(execution),
      rules_(std::move(rules)),
      reader_(std::move(reader)),
      writer_(std::move(writer)) {
  if (rules_.time_limit.count() > 0)
    out_of_time_at_ = Clock::now() + rules_.time_limit + grace_after_time_limit;
  handler_fd = writer_.get();
  struct sigaction action{};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < relayed.size(); ++i) {
    ::sigaction(relayed[i], nullptr, &before_[i]);
    // What our parent ignores (nohup) stays ignored.
    const bool is_ignored = before_[i].sa_handler == SIG_IGN && relayed[i] != SIGPIPE;
    if (!is_ignored && is_ours(relayed[i])) ::sigaction(relayed[i], &action, nullptr);
  }
  thread_ = std::jthread([this] { run(); });
}

bool SignalRelay::is_ours(int signal) const {
  if (signal == SIGPIPE) return true;
  if (signal == SIGWINCH || signal == SIGCONT) return rules_.has_terminal;
  return rules_.has_terminal || rules_.passes_on;
}

SignalRelay::~SignalRelay() {
  for (std::size_t i = 0; i < relayed.size(); ++i) ::sigaction(relayed[i], &before_[i], nullptr);
  handler_fd = -1;
  notify(end_of_relay);
  thread_.join();
}

void SignalRelay::notify(int signal) {
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(writer_.get(), &byte, 1);
}

int SignalRelay::poll_timeout() const {
  std::optional<Clock::time_point> next;
  for (const auto& time : {kill_at_, give_up_at_, out_of_time_at_}) {
    if (time && (!next || *time < *next)) next = time;
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

void SignalRelay::look_at_times() {
  const auto has_come = [now = Clock::now()](auto& time) {
    if (!time || *time > now) return false;
    time.reset();
    return true;
  };
  if (has_come(kill_at_)) {
    if (calls_.have_waited(grace_after_broken_pipe)) return give_up(SIGPIPE);
    calls_.post([](Execution& execution) { (void)execution.kill(); });
  }
  if (has_come(give_up_at_) && calls_.have_waited(answer_limit)) give_up(last_ending_);
  if (has_come(out_of_time_at_)) check_time_limit();
}

// The guest should have ended the command by now. What it says to our own attempt shows whether it lives; the
// end of the command may still wait behind output that nobody has read.
void SignalRelay::check_time_limit() {
  if (was_killed_) {
    if (calls_.have_waited(kill_answer_limit)) give_up(0);
    return;
  }
  if (!rules_.is_paused || !rules_.is_paused()) {
    was_killed_ = true;
    calls_.post([](Execution& execution) { (void)execution.kill(); });
  }
  out_of_time_at_ = Clock::now() + kill_answer_limit;
}

void SignalRelay::run() {
  // The window may have changed while the box was starting.
  if (rules_.has_terminal) pass_on_size();
  while (true) {
    pollfd ready{.fd = reader_.get(), .events = POLLIN, .revents = 0};
    const int count = ::poll(&ready, 1, poll_timeout());
    if (count == 0) {
      look_at_times();
      continue;
    }
    unsigned char byte = end_of_relay;
    if (count < 0 || ::read(reader_.get(), &byte, 1) != 1) {
      if (errno == EINTR) continue;
      return;
    }
    if (byte == end_of_relay) return;
    deliver(byte);
  }
}

// That a call fails means that the command has just ended: nothing is left to be told.
void SignalRelay::deliver(int signal) {
  if (signal == SIGCONT && rules_.on_continue) rules_.on_continue();
  if (signal == SIGWINCH || signal == SIGCONT) return pass_on_size();
  if (signal == SIGPIPE) {
    if (!rules_.owns_command) return let_go(signal);
    pass_on(signal);
    if (!kill_at_) kill_at_ = Clock::now() + grace_after_broken_pipe;
    return;
  }
  if (rules_.has_terminal) return let_go(signal);
  last_ending_ = signal;
  if (calls_.have_waited(answer_limit)) return give_up(signal);
  if (calls_.have_waited({})) give_up_at_ = Clock::now() + answer_limit;
  if (signal == SIGINT) return deliver_interrupt();
  pass_on(signal);
}

void SignalRelay::pass_on(int signal) {
  calls_.post([signal](Execution& execution) { (void)execution.send_signal(signal); });
}

void SignalRelay::deliver_interrupt() {
  const auto now = Clock::now();
  const bool is_second = last_interrupt_ && now - *last_interrupt_ < second_interrupt_kills;
  last_interrupt_ = now;
  if (!is_second) return pass_on(SIGINT);
  calls_.post([](Execution& execution) { (void)execution.kill(); });
}

// First of all our own end: the terminal must not stay raw while a box does not answer.
void SignalRelay::let_go(int signal) {
  ended_by_ = signal;
  execution_.detach();
  if (rules_.owns_command) pass_on(SIGHUP);
}

void SignalRelay::give_up(int signal) {
  is_unanswered_ = true;
  ended_by_ = signal;
  execution_.detach();
}

void SignalRelay::pass_on_size() {
  calls_.post([](Execution& execution) { (void)execution.resize(terminal_size(STDIN_FILENO)); });
}

}  // namespace boxlite::cli
