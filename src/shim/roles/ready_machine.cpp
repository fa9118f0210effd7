// SPDX-License-Identifier: Apache-2.0
#include "shim/roles/ready_machine.h"

#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "linux/process/process_identity.h"
#include "linux/sockets/fd_passing.h"
#include "linux/sockets/unix_socket.h"
#include "shimlink/shim_process.h"
#include "shimlink/shim_record.h"
#include "wire/rehearsal.h"

namespace boxlite::shim {
namespace {

constexpr std::size_t longest_claim = 16u << 20;
// For what the guest has put off: it is done once, before the snapshot, and not by every box.
constexpr std::chrono::milliseconds settling_time{300};
constexpr std::chrono::milliseconds save_limit{10'000};

// What the very next command of nearly every box does: a shell that ends at once.
constexpr std::string_view short_rehearsal = ":";
constexpr std::chrono::milliseconds short_rehearsal_limit{5000};
// Once for all boxes of an image, and so with the interpreters that agents write for, where it has them. They
// do nothing, and leave nothing on the disk.
constexpr std::string_view long_rehearsal = R"(export PYTHONDONTWRITEBYTECODE=1
for program in 'python3 -c pass' 'node -e 0'; do
  command -v "${program%% *}" && $program
done < /dev/null > /dev/null 2>&1
:)";
constexpr std::chrono::milliseconds long_rehearsal_limit{20'000};

wire::msg::ExecRequest rehearsal(std::string_view script, std::chrono::milliseconds limit) {
  wire::msg::ExecRequest request;
  for (const auto word : {std::string_view("/bin/sh"), std::string_view("-c"), script})
    request.add_args(std::string(word));
  request.set_timeout_ms(static_cast<std::uint32_t>(limit.count()));
  return request;
}

// A command beside the main one, a main command, and one with an init.
std::vector<wire::msg::ExecRequest> rehearsals(bool is_for_all) {
  std::vector<wire::msg::ExecRequest> all(3, rehearsal(short_rehearsal, short_rehearsal_limit));
  if (is_for_all) all.front() = rehearsal(long_rehearsal, long_rehearsal_limit);
  all[1].set_is_main(true);
  all[2].set_is_main(true);
  all[2].set_use_init(true);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].set_id(concat(wire::rehearsal_id, i));
  return all;
}

}  // namespace

// The mux and the watches refer to the loop.
ReadyMachine::~ReadyMachine() = default;

Result<std::optional<ReadyMachine::Claimed>> ReadyMachine::await_claim() {
  BOXLITE_TRY(run([this] {
    if (auto offered = offer(); !offered) end(std::move(offered));
  }));
  if (!*outcome_ && outcome_->error().code() == ErrorCode::stopped) return std::optional<Claimed>();
  BOXLITE_TRY(std::move(*outcome_));
  return std::optional(BOXLITE_TRY(claimed()));
}

Result<void> ReadyMachine::make_snapshot() {
  bool was_ready = false;
  BOXLITE_TRY(run([&] {
    was_ready = true;
    settling_ = loop_->after(settling_time, [this] { end(save()); });
  }));
  // Not what a guest may say: only the engine knows what this host cannot do.
  if (!*outcome_ && !was_ready) return fail(ErrorCode::unavailable, outcome_->error().message());
  return std::move(*outcome_);
}

Result<void> ReadyMachine::save() {
  machine_watch_.reset();
  return connected_.machine->snapshot({.into = *config_.snapshot_into}, Deadline::after(save_limit));
}

Result<void> ReadyMachine::run(std::move_only_function<void()> on_ready) {
  on_ready_ = std::move(on_ready);
  loop_ = BOXLITE_TRY(linux_::EventLoop::create());
  console_log_ = BOXLITE_TRY(
      ConsoleLog::create(config_.box_dir / shimlink::console_log_name, config_.console_log_bytes));
  BOXLITE_TRY(watch_parent());
  BOXLITE_TRY(launch());
  limit_ = loop_->after(config_.boot_timeout,
                        [this] { end(fail(ErrorCode::timed_out, "ready machine: no answer in time")); });
  boot();
  while (!outcome_) BOXLITE_TRY(loop_->run_once(Deadline::never()));
  return {};
}

void ReadyMachine::boot() {
  // A warm one has done all this.
  const bool is_warm = config_.from->is_warm();
  boot_ = std::make_unique<Boot>(*mux_, config_, nullptr);
  const auto done = [this, is_warm](Result<void> booted) {
    if (!booted) return end(std::move(booted));
    if (!is_warm) return config_.snapshot_into ? boot_again() : rehearse(0);
    limit_.reset();
    on_ready_();
  };
  if (is_warm) return boot_->greet("restore", done);
  boot_->begin("restore", done);
}

Result<void> ReadyMachine::watch_parent() {
  const auto give_up = [this](auto) {
    parent_watch_.reset();
    signal_watch_.reset();
    end(fail(ErrorCode::stopped, "keep machine ready: its owner has ended"));
  };
  parent_watch_ = BOXLITE_TRY(loop_->watch(inherited_.watchdog.get(), true, false, give_up));
  signal_watch_ = BOXLITE_TRY(loop_->watch(inherited_.signals.get(), true, false, give_up));
  return {};
}

Result<void> ReadyMachine::launch() {
  folders_ = BOXLITE_TRY(Folders::prepare(config_));
  connected_ = BOXLITE_TRY(
      launch_connected(engine_, config_.machine, config_.from, config_.box_dir, inherited_.lock.get()));
  // The mux closes what it is given, and the box gets one of its own.
  UniqueFd port(::fcntl(connected_.port.get(), F_DUPFD_CLOEXEC, 0));
  if (!port.is_open()) return fail(syscall_error("fcntl", "F_DUPFD_CLOEXEC", errno));
  mux_ = BOXLITE_TRY(Mux::create(*loop_, std::move(port), *this));
  return watch_machine();
}

Result<void> ReadyMachine::watch_machine() {
  auto& machine = *connected_.machine;
  console_watch_ = BOXLITE_TRY(loop_->watch(connected_.console.get(), true, false, [this](auto) {
    if (!drain_console(connected_.console.get(), *console_log_)) console_watch_.reset();
  }));
  machine_watch_ = BOXLITE_TRY(loop_->watch_exit(
      machine.end_fd(), [this] { end(fail(ErrorCode::unavailable, "ready machine: it has ended")); }));
  return {};
}

// As the box's own start will, which finds the container prepared.
void ReadyMachine::boot_again() {
  boot_ = std::make_unique<Boot>(*mux_, config_, nullptr);
  boot_->begin("again", [this](Result<void> booted) {
    if (!booted) return end(std::move(booted));
    rehearse(0);
  });
}

// However they end: an image need not have a shell.
void ReadyMachine::rehearse(std::size_t index) {
  const auto all = rehearsals(config_.snapshot_into.has_value());
  if (index < all.size()) {
    return mux_->open<wire::ExecStart>(
        all[index], [](std::string_view) {},
        [this, index](const Result<wire::msg::ExecResult>&) { rehearse(index + 1); });
  }
  limit_.reset();
  on_ready_();
}

// From now on it can be found.
Result<void> ReadyMachine::offer() {
  listener_watch_ = BOXLITE_TRY(loop_->watch(inherited_.listener.get(), true, false, [this](auto) {
    if (auto greeted = greet(); !greeted) end(std::move(greeted));
  }));
  shimlink::ShimRecord record;
  record.shim = BOXLITE_TRY(linux_::identify_process(::getpid()));
  record.vmm_pid = connected_.machine->pid();
  record.started_at = now();
  BOXLITE_TRY(write_file_atomic(config_.box_dir / shimlink::shim_record_name, shimlink::to_json(record)));
  // Its keeper may have gone, which the watchdog tells.
  (void)::send(inherited_.watchdog.get(), shimlink::ready_mark.data(), shimlink::ready_mark.size(),
               MSG_NOSIGNAL);
  return {};
}

// One claimant only: a second one waits for a greeting that does not come, and looks elsewhere.
Result<void> ReadyMachine::greet() {
  auto claimant = linux_::accept_unix(inherited_.listener.get());
  if (!claimant) return {};
  listener_watch_.reset();
  claimant_ = std::move(*claimant);
  claimant_watch_ = BOXLITE_TRY(loop_->watch(claimant_.get(), true, false, [this](auto) { read_claim(); }));
  return write_all(claimant_.get(), shimlink::claim_greeting, "claimant");
}

// A claimant that dies half-way may have moved this directory already: there is no way back.
void ReadyMachine::read_claim() {
  while (true) {
    auto part = linux_::receive_with_fd(claimant_.get());
    if (!part && part.error().code() == ErrorCode::unavailable) return;
    if (!part) return end(std::unexpected(std::move(part).error()));
    if (part->fd.is_open()) watchdog_ = std::move(part->fd);
    if (part->bytes.empty()) return end({});
    claim_text_ += part->bytes;
    if (claim_text_.size() > longest_claim)
      return end(fail(ErrorCode::invalid_argument, "the config of a claim is too long"));
  }
}

Result<ReadyMachine::Claimed> ReadyMachine::claimed() {
  // There may be secrets in it.
  const ScopeExit wipe([this] { ::explicit_bzero(claim_text_.data(), claim_text_.size()); });
  auto config = BOXLITE_TRY_CONTEXT("claim", shimlink::parse_shim_config(claim_text_));
  Claimed result{.config = std::move(config),
                 .watchdog = std::move(watchdog_),
                 .connected = {},
                 .folders = *std::move(folders_),
                 .kernel_release = boot_->kernel_release()};
  result.folders.set_owner(result.config.folder_owner);
  for (const auto& folder : result.config.folders) BOXLITE_TRY(result.folders.attach(folder));
  // The watches look at what is handed on.
  for (auto* const watch : {&console_watch_, &machine_watch_}) watch->reset();
  mux_.reset();
  result.connected = std::move(connected_);
  return result;
}

void ReadyMachine::end(Result<void> outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
}

}  // namespace boxlite::shim
