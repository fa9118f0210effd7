// SPDX-License-Identifier: Apache-2.0
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
#include "engine/qemu/process_end.h"
#include "engine/qemu/qemu_engine.h"
#include "engine/qemu/qmp.h"
#include "engine/qemu/saved_state.h"
#include "engine/qemu/spawn_thread.h"
#include "freeze/frozen_process.h"
#include "host/tsc_clock.h"
#include "linux/sockets/unix_socket.h"
#include "qcow2/overlay.h"

namespace boxlite::engine::qemu {
namespace {

// What we talk to QEMU by.
struct Channels {
  Qmp qmp;
  UniqueFd error_log;
};

class QemuMachine : public Machine {
 public:
  QemuMachine(MachineSpec spec, SpawnThread thread, linux_::ChildProcess child, Channels channels)
      : spec_(std::move(spec)),
        thread_(std::move(thread)),
        child_(std::move(child)),
        qmp_(std::move(channels.qmp)),
        error_log_(std::move(channels.error_log)) {}

  pid_t pid() const override { return child_.pid(); }
  int end_fd() const override { return child_.handle().fd(); }
  Result<MachineEnd> wait(Deadline deadline) override;
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
  void kill() override;
  Result<void> save(int state_fd, Deadline deadline) override;
  Result<void> freeze(const SavedMachine& into, Deadline deadline) override;

  // The machine was started with its saved state in a pipe, and waits to be told.
  Result<void> go_on();
  // It stood still when its process was frozen.
  Result<void> go_on_thawed() { return qmp_.post("cont", {}); }

 private:
  bool has_saved_memory() const { return spec_.saved && spec_.memory_file.empty(); }
  bool was_thawed() const { return spec_.saved && spec_.saved->is_frozen(); }

  MachineSpec spec_;
  SpawnThread thread_;  // goes after the child
  linux_::ChildProcess child_;
  Qmp qmp_;
  UniqueFd error_log_;
  bool was_killed_ = false;
};

// Of memory that is a shared file, nothing is written.
constexpr std::string_view leave_memory_out =
    R"({"capabilities":[{"capability":"x-ignore-shared","state":true}]})";

Result<MachineEnd> QemuMachine::wait(Deadline deadline) {
  const auto end = BOXLITE_TRY(child_.wait(deadline));
  return machine_end({.end = end,
                      .was_thawed = was_thawed(),
                      .was_killed = was_killed_,
                      .complaints = complaints_in(error_log_.get())});
}

void QemuMachine::kill() {
  was_killed_ = true;
  (void)child_.send_signal(SIGKILL);
}

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

Result<std::unique_ptr<QemuMachine>> spawn(const MachineSpec& spec, const linux_::ChildSpec& child,
                                           Channels channels) {
  const auto prepare = [&]() -> Result<Prepared> { return Prepared{child}; };
  auto started = SpawnThread::spawn(prepare, {jail::Intercepted::programs, access_of(spec, child.program)});
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  if (process.broker) thread.serve(*std::move(process.broker));
  return std::make_unique<QemuMachine>(spec, std::move(thread), std::move(process.child),
                                       std::move(channels));
}

// The saved memory is other boxes' as well: QEMU gets it for reading, and can open nothing of it for more.
Result<std::unique_ptr<QemuMachine>> spawn_on_saved(
    const MachineSpec& spec, const std::filesystem::path& program, Channels channels,
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
  process.broker->replace(spec.saved->memory, std::move(memory));
  thread.serve(*std::move(process.broker));
  return std::make_unique<QemuMachine>(spec, std::move(thread), std::move(process.child),
                                       std::move(channels));
}

Result<std::unique_ptr<QemuMachine>> launch_saved(const MachineSpec& spec, linux_::ChildSpec child,
                                                  Channels channels) {
  const auto state = BOXLITE_TRY(pipe_with_state(spec.saved->state));
  child.fds.push_back({state.get(), state_fd});
  const auto prepare = [&](int) -> Result<Prepared> { return Prepared{child}; };
  auto machine = spec.memory_file.empty() ? spawn_on_saved(spec, child.program, std::move(channels), prepare)
                                          : spawn(spec, child, std::move(channels));
  if (machine) BOXLITE_TRY((*machine)->go_on());
  return machine;
}

// The child becomes the QEMU that was frozen, with our ends of what it is connected to.
Result<std::unique_ptr<QemuMachine>> thaw(const MachineSpec& spec, linux_::ChildSpec child,
                                          const std::filesystem::path& program, Channels channels) {
  const auto frozen = BOXLITE_TRY(freeze::FrozenProcess::open(spec.saved->state, spec.saved->pages));
  child.program = program;
  child.arguments.clear();
  child.environment.clear();
  const auto prepare = [&](int memory_fd) -> Result<Prepared> {
    Prepared prepared{child};
    prepared.child.fds.push_back({memory_fd, jail::handed_out_fd});
    const auto give = [&](const std::string& name, int flags) { return open_given(spec, name, flags); };
    prepared.held = BOXLITE_TRY(frozen.add_descriptors(prepared.child.fds, give));
    return prepared;
  };
  auto machine = BOXLITE_TRY(spawn_on_saved(spec, program, std::move(channels), prepare));
  BOXLITE_TRY(machine->go_on_thawed());
  return machine;
}

linux_::ChildSpec qemu_child(const std::filesystem::path& program, const MachineSpec& spec,
                             const MachineEnds& ends, int control) {
  linux_::ChildSpec child{.program = program,
                          .arguments = machine_arguments(spec),
                          .environment = environment(),
                          .fds = {{control, control_fd},
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
  return child;
}

}  // namespace

Result<std::unique_ptr<Machine>> QemuEngine::launch(const MachineSpec& spec, MachineEnds ends) {
  BOXLITE_TRY(check_disk_headers(spec));
  auto complete = spec;
  if (complete.accelerator == Accelerator::tcg && complete.tsc_khz == 0)
    complete.tsc_khz = host::measure_tsc_khz();
  // QEMU may make no files where this one lies.
  if (!complete.memory_file.empty()) BOXLITE_TRY(open_file(complete.memory_file, O_WRONLY | O_CREAT));
  auto control = BOXLITE_TRY(linux_::unix_socket_pair());
  auto child = qemu_child(program_, complete, ends, control.second.get());
  // One that was frozen has greeted somebody else.
  const bool is_frozen = complete.saved && complete.saved->is_frozen();
  // Only moved, it is still open while the child is made.
  Channels channels{Qmp(std::move(control.first), is_frozen), std::move(ends.error_log)};
  if (is_frozen) return thaw(complete, std::move(child), thaw_, std::move(channels));
  if (complete.saved) return launch_saved(complete, std::move(child), std::move(channels));
  return spawn(complete, child, std::move(channels));
}

}  // namespace boxlite::engine::qemu
