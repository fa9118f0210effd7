// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/qemu_process.h"

#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/qemu/access.h"
#include "engine/qemu/argv.h"
#include "engine/qemu/frozen_qemu.h"
#include "engine/qemu/qmp.h"
#include "engine/qemu/saved_state.h"
#include "engine/qemu/spawn_thread.h"
#include "freeze/frozen_process.h"
#include "host/tsc_clock.h"
#include "linux/sockets/unix_socket.h"
#include "qcow2/overlay.h"

namespace boxlite::engine::qemu {
namespace {

class QemuMachine : public Machine {
 public:
  QemuMachine(MachineSpec spec, SpawnThread thread, SpawnThread::Started started, Qmp qmp)
      : spec_(std::move(spec)),
        thread_(std::move(thread)),
        child_(std::move(started.child)),
        qmp_(std::move(qmp)),
        broker_(std::move(started.broker)) {}

  pid_t pid() const override { return child_.pid(); }
  const linux_::ProcessHandle& handle() const override { return child_.handle(); }
  Result<linux_::ChildEnd> wait(Deadline deadline) override { return child_.wait(deadline); }
  Result<void> quit(Deadline deadline) override {
    BOXLITE_TRY(qmp_.execute("quit", {}, deadline));
    return {};
  }
  Result<void> pause(Deadline deadline) override {
    BOXLITE_TRY(qmp_.execute("stop", {}, deadline));
    return {};
  }
  Result<void> resume(Deadline deadline) override {
    BOXLITE_TRY(qmp_.execute("cont", {}, deadline));
    return {};
  }
  void kill() override { (void)child_.send_signal(SIGKILL); }
  Result<std::string> status(Deadline deadline) override { return qmp_.query_status(deadline); }
  Result<void> save(int state_fd, Deadline deadline) override;
  Result<void> freeze(const SavedMachine& into, Deadline deadline) override;
  int attention_fd() const override { return broker_ ? broker_->fd() : -1; }
  bool attend() override { return broker_->serve(); }

  // The machine's memory is opened by us.
  void hand_out(UniqueFd memory) { broker_->replace(spec_.saved->memory, std::move(memory)); }
  // The machine was started with its saved state in a pipe, and waits to be told.
  Result<void> go_on();
  // It stood still when its process was frozen.
  Result<void> go_on_thawed() { return qmp_.post("cont", {}); }

 private:
  bool has_saved_memory() const { return spec_.saved && spec_.memory_file.empty(); }

  MachineSpec spec_;
  SpawnThread thread_;  // goes after the child
  linux_::ChildProcess child_;
  Qmp qmp_;
  std::optional<jail::OpenBroker> broker_;
};

// Of memory that is a shared file, nothing is written.
constexpr std::string_view leave_memory_out =
    R"({"capabilities":[{"capability":"x-ignore-shared","state":true}]})";

Result<void> QemuMachine::save(int state_fd, Deadline deadline) {
  BOXLITE_TRY(qmp_.execute("migrate-set-capabilities",
                           R"({"capabilities":[{"capability":"x-ignore-shared","state":true},)"
                           R"({"capability":"events","state":true}]})",
                           deadline));
  BOXLITE_TRY(qmp_.pass_fd("state", state_fd, deadline));
  BOXLITE_TRY(qmp_.execute("migrate", R"({"uri":"fd:state"})", deadline));
  return qmp_.await_migration(deadline);
}

Result<void> QemuMachine::freeze(const SavedMachine& into, Deadline deadline) {
  if (!has_saved_memory())
    return fail(ErrorCode::unsupported, "freeze QEMU: its memory is not a saved machine's");
  BOXLITE_TRY(pause(deadline));
  BOXLITE_TRY_CONTEXT("freeze QEMU", freeze::freeze(freezing_order(pid(), spec_, into), deadline));
  return {};
}

Result<void> QemuMachine::go_on() {
  // All at once: each answer would cost a turn of QEMU's loop. One that fails leaves a guest that does not
  // answer, which the boot's time limit is for.
  BOXLITE_TRY(qmp_.post("migrate-set-capabilities", leave_memory_out));
  return qmp_.post("migrate-incoming", concat(R"({"uri":"fd:)", state_fd, R"("})"));
}

std::vector<std::string> environment() {
  std::vector<std::string> result = {"PATH=/usr/bin:/bin"};
  if (const char* directory = std::getenv("TMPDIR"); directory != nullptr)
    result.push_back(concat("TMPDIR=", directory));
  return result;
}

// A machine may have written anything into its own disk's header.
Result<void> check_disk_headers(const MachineSpec& spec) {
  for (const auto& disk : spec.disks) {
    if (disk.format == DiskFormat::qcow2)
      BOXLITE_TRY(boxlite::qcow2::require_overlay_over(disk.path, disk.base));
  }
  return {};
}

Error explained(Error error) {
  const bool is_missing = error.code() == ErrorCode::not_found;
  return std::move(error)
      .context("start QEMU")
      .with_remedy(is_missing ? "install it: sudo apt-get install qemu-system-x86" : "");
}

Result<std::unique_ptr<QemuMachine>> spawn(const MachineSpec& spec, const linux_::ChildSpec& child, Qmp qmp) {
  const auto prepare = [&]() -> Result<Prepared> { return Prepared{child}; };
  auto started = SpawnThread::spawn(prepare, {jail::Intercepted::programs, access_of(spec, child.program)});
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  return std::make_unique<QemuMachine>(spec, std::move(thread), std::move(process), std::move(qmp));
}

// The saved memory is other boxes' as well: QEMU gets it for reading, and can open nothing of it for more.
Result<std::unique_ptr<QemuMachine>> spawn_on_saved(
    const MachineSpec& spec, const std::filesystem::path& program, Qmp qmp,
    const std::function<Result<Prepared>(int memory_fd)>& prepare) {
  UniqueFd memory;
  auto started = SpawnThread::spawn(
      [&]() -> Result<Prepared> {
        memory = BOXLITE_TRY(open_file(spec.saved->memory, O_RDONLY));
        return prepare(memory.get());
      },
      {jail::Intercepted::programs_and_openings, access_of(spec, program)});
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  auto machine = std::make_unique<QemuMachine>(spec, std::move(thread), std::move(process), std::move(qmp));
  machine->hand_out(std::move(memory));
  return machine;
}

Result<std::unique_ptr<QemuMachine>> launch_saved(const MachineSpec& spec, linux_::ChildSpec child,
                                                  UniqueFd control) {
  const auto state = BOXLITE_TRY(pipe_with_state(spec.saved->state));
  child.fds.push_back({state.get(), state_fd});
  const auto prepare = [&](int) -> Result<Prepared> { return Prepared{child}; };
  auto machine = spec.memory_file.empty()
                     ? spawn_on_saved(spec, child.program, Qmp(std::move(control)), prepare)
                     : spawn(spec, child, Qmp(std::move(control)));
  if (machine) BOXLITE_TRY((*machine)->go_on());
  return machine;
}

}  // namespace

// The child becomes the QEMU that was frozen, with our ends of what it is connected to.
Result<std::unique_ptr<Machine>> QemuEngine::thaw(const MachineSpec& spec, linux_::ChildSpec child,
                                                  UniqueFd control) {
  const auto frozen = BOXLITE_TRY(freeze::FrozenProcess::open(spec.saved->state, spec.saved->pages));
  child.program = thaw_;
  child.arguments.clear();
  child.environment.clear();
  const auto prepare = [&](int memory_fd) -> Result<Prepared> {
    Prepared prepared{child};
    prepared.child.fds.push_back({memory_fd, jail::handed_out_fd});
    const auto give = [&](const std::string& name, int flags) { return open_given(spec, name, flags); };
    prepared.held = BOXLITE_TRY(frozen.add_descriptors(prepared.child.fds, give));
    return prepared;
  };
  constexpr bool is_greeted = true;
  auto machine = BOXLITE_TRY(spawn_on_saved(spec, thaw_, Qmp(std::move(control), is_greeted), prepare));
  BOXLITE_TRY(machine->go_on_thawed());
  return machine;
}

Result<std::unique_ptr<Machine>> QemuEngine::launch(const MachineSpec& spec, MachineEnds ends) {
  BOXLITE_TRY(check_disk_headers(spec));
  auto complete = spec;
  if (complete.accelerator == Accelerator::tcg && complete.tsc_khz == 0)
    complete.tsc_khz = host::measure_tsc_khz();
  // QEMU may make no files where this one lies.
  if (!complete.memory_file.empty()) BOXLITE_TRY(open_file(complete.memory_file, O_WRONLY | O_CREAT));
  auto control = BOXLITE_TRY(linux_::unix_socket_pair());
  linux_::ChildSpec child{.program = program_,
                          .arguments = machine_arguments(complete),
                          .environment = environment(),
                          .fds = {{control.second.get(), control_fd},
                                  {ends.agent_port.get(), agent_port_fd},
                                  {ends.console.get(), console_fd},
                                  {ends.link.get(), link_fd},
                                  {ends.folders.get(), folders_port_fd}},
                          // No terminal is its own, to be written to or typed into.
                          .group = linux_::ProcessGroup::session,
                          .die_with_parent = true,
                          .capabilities = linux_::CapabilitySet{0}};
  if (ends.lock_fd >= 0) child.fds.push_back({ends.lock_fd, lock_fd});
  if (ends.error_log.is_open()) {
    child.fds.push_back({ends.error_log.get(), 1});
    child.fds.push_back({ends.error_log.get(), 2});
  }
  if (complete.saved && complete.saved->is_frozen())
    return thaw(complete, std::move(child), std::move(control.first));
  if (complete.saved) return launch_saved(complete, std::move(child), std::move(control.first));
  return spawn(complete, child, Qmp(std::move(control.first)));
}

}  // namespace boxlite::engine::qemu
