// SPDX-License-Identifier: Apache-2.0
// One thread per output stream, one for stdin, one that turns signals into calls; the caller's thread waits
// for the command. Blocking calls on threads of our own are right here: this process serves a single command.
#include "cli/terminal/stdio_pump.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/output/output.h"
#include "cli/terminal/pipe.h"
#include "cli/terminal/signal_relay.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr std::size_t chunk_size = 64 * 1024;

// 0, or the errno.
int write_fully(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody made our standard output non-blocking; that is their affair, so we wait.
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// The first thing that went wrong with our own output.
class OutputState {
 public:
  void broke(int error) {
    const std::lock_guard lock(mutex_);
    if (error_ == 0) error_ = error;
  }
  int error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  mutable std::mutex mutex_;
  int error_ = 0;
};

// Says once that the kernel of the box complains of its disk: between two pieces of output, or at the end
// where the command has the terminal for itself.
class DiskWarning {
 public:
  DiskWarning(const Execution& execution, bool has_terminal)
      : execution_(execution), waits_for_end_(has_terminal) {}
  void look() {
    if (!waits_for_end_) say();
  }
  void say() {
    const auto error = execution_.disk_error();
    if (error.empty() || was_said_.exchange(true)) return;
    warn(fmt::format("the kernel of the box reports errors of its disk: {}", error));
  }

 private:
  const Execution& execution_;
  const bool waits_for_end_;
  std::atomic<bool> was_said_ = false;
};

// Reads to the end even when nobody takes the bytes any more, lest the command wait for us for ever.
void pump_output(Execution& execution, OutputStream stream, int fd, OutputState& state, SignalRelay& relay,
                 DiskWarning& disk) {
  std::vector<std::byte> buffer(chunk_size);
  bool is_open = true;
  while (true) {
    const auto count = execution.read(stream, buffer);
    if (!count || *count == 0) return;
    disk.look();
    if (!is_open) continue;
    if (const int error = write_fully(fd, std::span(buffer).first(*count)); error != 0) {
      is_open = false;
      state.broke(error);
      relay.notify(SIGPIPE);
    }
  }
}

// How a terminal is left.
struct Leaving {
  DetachKeys* keys;
  const std::function<Result<void>()>& prepare;
};

// Passes on what was typed. False: the detach keys were among it.
bool pass_on(Execution& execution, std::span<const std::byte> typed, const Leaving* leaving) {
  if (leaving == nullptr) return execution.write_stdin(typed).has_value();
  const auto filtered = leaving->keys->feed({reinterpret_cast<const char*>(typed.data()), typed.size()});
  if (!filtered.forwarded.empty()) {
    const auto bytes = std::as_bytes(std::span(filtered.forwarded));
    if (!execution.write_stdin(bytes)) return false;
  }
  if (filtered.has_detached) {
    if (leaving->prepare) {
      if (const auto prepared = leaving->prepare(); !prepared) complain(Ending(prepared.error()));
    }
    execution.detach();
  }
  return !filtered.has_detached;
}

// Until the end of our stdin, the end of the command, the detach keys (nullptr: there are none), or a byte on
// `stop_fd`.
void pump_input(Execution& execution, int stop_fd, const Leaving* leaving) {
  std::vector<std::byte> buffer(chunk_size);
  while (true) {
    std::array<pollfd, 2> ready{pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) return;
    if (ready[0].revents == 0) continue;
    const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) break;
    if (!pass_on(execution, std::span(buffer).first(static_cast<std::size_t>(count)), leaving)) return;
  }
  // The command may have ended meanwhile; there is nobody to tell then.
  (void)execution.close_stdin();
}

void explain(const ExitStatus& status) {
  if (!status.reason.empty()) complain(status.reason);
  if (status.timed_out) complain("the command was killed: its time was up");
  if (status.oom_killed) {
    complain("the command was killed: the box is out of memory", "give the box more, as with --memory 1g");
  }
}

// Raw from its making until it goes; other threads may renew it.
class SharedTerminal {
 public:
  Result<void> enter() {
    auto entered = RawTerminal::enter(STDIN_FILENO);
    if (!entered) return std::unexpected(entered.error());
    const std::lock_guard lock(mutex_);
    raw_.emplace(std::move(*entered));
    return {};
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    raw_.reset();
  }
  void renew() {
    const std::lock_guard lock(mutex_);
    if (raw_) raw_->renew();
  }

 private:
  std::mutex mutex_;
  std::optional<RawTerminal> raw_;
};

Outcome conclude(const Result<ExitStatus>& status, int output_error, const SignalRelay& relay) {
  const auto ended_by = relay.ended_by();
  if (relay.is_unanswered()) {
    const Error silence =
        Error(ErrorCode::timed_out, "the box does not answer: its command was left to itself")
            .with_remedy("end the box: boxlite rm -f");
    if (ended_by == 0) return std::unexpected(Ending(silence));
    complain(Ending(silence));
    return 128 + ended_by;
  }
  if (output_error == EPIPE) return 128 + SIGPIPE;
  if (output_error != 0) {
    return std::unexpected(
        Ending(exit_failure, fmt::format("write to standard output: {}", std::strerror(output_error))));
  }
  if (ended_by != 0) return 128 + ended_by;
  if (!status && status.error().code() == ErrorCode::cancelled) return exit_success;
  if (!status) return std::unexpected(status.error());
  explain(*status);
  return status->shell_code();
}

}  // namespace

bool is_paused(Box& box) {
  const auto seen = box.info();
  return seen && seen->status == BoxStatus::paused;
}

Outcome attach_stdio(Execution execution, const Attachment& attachment) {
  SharedTerminal terminal;
  auto relay = SignalRelay::start(execution, {.has_terminal = attachment.has_terminal,
                                              .passes_on = attachment.passes_signals,
                                              .owns_command = attachment.owns_command,
                                              .time_limit = attachment.time_limit,
                                              .is_paused = attachment.is_paused,
                                              .on_continue = [&terminal] { terminal.renew(); }});
  if (!relay) return std::unexpected(relay.error());
  if (attachment.has_terminal) {
    if (const auto entered = terminal.enter(); !entered) return std::unexpected(entered.error());
  }

  OutputState state;
  DiskWarning disk(execution, attachment.has_terminal);
  std::jthread out(
      [&] { pump_output(execution, OutputStream::stdout_, STDOUT_FILENO, state, **relay, disk); });
  std::jthread err(
      [&] { pump_output(execution, OutputStream::stderr_, STDERR_FILENO, state, **relay, disk); });
  auto stop = make_pipe();
  if (!stop) {
    (void)execution.kill();
    return std::unexpected(stop.error());
  }
  std::jthread in;
  auto keys = attachment.detach_keys;
  const Leaving leaving{&keys, attachment.on_detach};
  const auto* const way_out = attachment.has_terminal ? &leaving : nullptr;
  if (attachment.use_stdin) {
    in = std::jthread([&] { pump_input(execution, stop->reader.get(), way_out); });
  }

  const auto status = execution.wait();
  out.join();
  err.join();
  stop->writer = Descriptor();
  if (in.joinable()) in.join();
  terminal.leave();
  // What is said next begins on a line of its own, wherever the command has left the cursor.
  if (attachment.has_terminal && !status) write_fully(STDERR_FILENO, std::as_bytes(std::span("\n", 1)));
  disk.say();
  const bool was_left = (*relay)->ended_by() == 0 && !(*relay)->is_unanswered();
  if (!status && status.error().code() == ErrorCode::cancelled && was_left) {
    warn(fmt::format("execution {} runs on", execution.id()));
  }
  return conclude(status, state.error(), **relay);
}

}  // namespace boxlite::cli
