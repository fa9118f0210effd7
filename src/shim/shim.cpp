// SPDX-License-Identifier: Apache-2.0
// From the launch to readiness. The other half of the life: shim_end.cpp.
#include "shim/shim.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/unix_socket.h"

namespace boxlite::shim {
namespace {

std::chrono::milliseconds boot_limit(const vmm::ShimConfig& config) {
  if (config.boot_timeout.count() != 0) return config.boot_timeout;
  return vmm::default_boot_timeout(config.machine.accelerator);
}

// Readers see the old record or the new one. Not synced to the disk, unlike write_file_atomic: after a power
// cut it means nothing, and the start of a box would wait for the disk.
Result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path temporary = path.native() + ".tmp";
  const auto file = BOXLITE_TRY(open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC));
  BOXLITE_TRY(write_all(file.get(), content, temporary.native()));
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail(syscall_error("rename", path.native(), errno));
  return {};
}

}  // namespace

Shim::Shim(vmm::Engine& engine, const vmm::ShimConfig& config, Inherited inherited)
    : engine_(engine), config_(config), inherited_(std::move(inherited)) {}

Shim::~Shim() = default;

Result<void> Shim::run() {
  loop_ = BOXLITE_TRY(linux_::EventLoop::create());
  if (auto ready = set_up(); !ready) {
    vmm::ExitRecord record{.reason = vmm::ExitReason::boot_failed, .at = now()};
    record.phase = "spawn_vmm";
    record.message = ready.error().message();
    boot_error_ = std::move(ready).error();
    finish(record);
  }
  BOXLITE_TRY(loop_->run());
  return outcome_;
}

Result<void> Shim::set_up() {
  chronicle_.emplace(*loop_, config_);
  record_.shim = BOXLITE_TRY(linux_::identify_process(::getpid()));
  record_.started_at = now();
  console_log_ =
      BOXLITE_TRY(ConsoleLog::create(config_.box_dir / vmm::console_log_name, config_.console_log_bytes));
  BOXLITE_TRY(launch());
  BOXLITE_TRY(watch_everything());
  write_shim_record();
  begin_boot();
  return {};
}

Result<void> Shim::launch() {
  const auto began = std::chrono::steady_clock::now();
  auto port = BOXLITE_TRY(linux_::unix_socket_pair());
  auto console = BOXLITE_TRY(linux_::unix_socket_pair());
  // The mux comes first: whatever goes wrong from here on is told to clients through it.
  mux_ = BOXLITE_TRY(Mux::create(*loop_, std::move(port.first), *this));
  mux_->set_observer(&*chronicle_);
  BOXLITE_TRY(mux_->accept_from(std::move(inherited_.listener)));
  folders_ = BOXLITE_TRY(Folders::prepare(config_));
  boot_ = std::make_unique<Boot>(*mux_, config_, *folders_);
  console_ = std::move(console.first);
  BOXLITE_TRY(linux_::set_non_blocking(console_.get()));
  vmm::MachineEnds ends{.agent_port = std::move(port.second), .console = std::move(console.second)};
  ends.error_log =
      BOXLITE_TRY(open_file(config_.box_dir / vmm::vmm_stderr_name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND));
  ends.lock_fd = inherited_.lock.get();
  auto machine = config_.machine;
  folders_->restrict(machine);
  machine_ = BOXLITE_TRY(engine_.launch(machine, std::move(ends)));
  record_.vmm_pid = machine_->pid();
  boot_->note_spawn(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began));
  return {};
}

Result<void> Shim::watch_everything() {
  console_watch_ = BOXLITE_TRY(loop_->watch(console_.get(), true, false, [this](auto) { read_console(); }));
  machine_watch_ = BOXLITE_TRY(loop_->watch_exit(machine_->handle().fd(), [this] { on_machine_end(); }));
  if (inherited_.watchdog.is_open()) {
    watchdog_watch_ = BOXLITE_TRY(loop_->watch(inherited_.watchdog.get(), true, false, [this](auto) {
      watchdog_watch_.reset();
      stop_gracefully();
    }));
  }
  signal_watch_ = BOXLITE_TRY(loop_->watch(inherited_.signals.get(), true, false, [this](auto) {
    signalfd_siginfo received;
    (void)!::read(inherited_.signals.get(), &received, sizeof received);
    stop_gracefully();
  }));
  return {};
}

void Shim::read_console() {
  char buffer[16 << 10];
  while (true) {
    const auto count = ::recv(console_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return console_watch_.reset();
    console_log_->append({buffer, static_cast<std::size_t>(count)});
  }
}

void Shim::write_shim_record() {
  record_.stages = boot_->stages();
  auto written = replace_file(config_.box_dir / vmm::shim_record_name, vmm::to_json(record_));
  if (!written) outcome_ = std::move(written);
}

void Shim::begin_boot() {
  const auto limit = boot_limit(config_);
  boot_timer_ = loop_->after(limit, [this, limit] {
    fail_boot(Error(ErrorCode::timed_out, concat("no answer within ", limit.count(), " ms"))
                  .with_remedy(
                      "see console.log in the box's directory; on a slow host set a longer start timeout"));
  });
  boot_->begin([this](Result<void> booted) {
    if (state_ != State::booting || was_asked_to_stop_ || boot_error_) return;
    // The machine is about to end, and why it does will be known then.
    if (!booted && booted.error().code() == ErrorCode::stopped) return;
    if (!booted) return fail_boot(std::move(booted).error());
    become_ready();
  });
}

void Shim::become_ready() {
  state_ = State::ready;
  boot_timer_.reset();
  record_.ready_at = now();
  mux_->open_gate();
  for (const auto& call : std::exchange(waiting_for_ready_, {})) answer_wait_ready(call);
  // After the answers: nobody who waits for readiness waits for this file.
  write_shim_record();
  chronicle_->tell(store::event_type::ready);
}

void Shim::on_shim_call(ShimCall call) {
  if (call.method == wire::ShimWaitReady::name) return answer_wait_ready(call);
  if (call.method == wire::ShimStop::name) return handle_stop(call);
  if (call.method == wire::ShimLetGo::name) {
    watchdog_watch_.reset();
    return mux_->answer(call, wire::msg::LetGoResponse());
  }
  if (call.method == wire::ShimAttachFolder::name) return attach_folder(call);
  if (call.method == wire::ShimDetachFolder::name) return detach_folder(call);
  mux_->answer(call,
               Error(ErrorCode::unsupported, concat("no method ", in_quotes(call.method), " in the shim")));
}

void Shim::answer_wait_ready(const ShimCall& call) {
  if (boot_error_) return mux_->answer(call, *boot_error_);
  if (state_ == State::booting) return waiting_for_ready_.push_back(call);
  if (state_ != State::ready) return mux_->answer(call, Error(ErrorCode::stopped, "the box is stopping"));
  wire::msg::WaitReadyResponse response;
  for (const auto& stage : boot_->stages()) {
    auto& entry = *response.add_stages();
    entry.set_name(stage.name);
    entry.set_duration_us(static_cast<std::uint64_t>(stage.duration.count()));
  }
  response.set_kernel_release(boot_->kernel_release());
  response.set_shim_pid(static_cast<std::uint32_t>(::getpid()));
  response.set_vmm_pid(static_cast<std::uint32_t>(record_.vmm_pid));
  mux_->answer(call, response);
}

}  // namespace boxlite::shim
