// SPDX-License-Identifier: Apache-2.0
#include "vmm/qemu/qemu_process.h"

#include <csignal>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/frozen_process.h"
#include "linux/open_broker.h"
#include "linux/unix_socket.h"
#include "qcow2/overlay.h"
#include "vmm/qemu/argv.h"
#include "vmm/qemu/frozen_qemu.h"
#include "vmm/qemu/qmp.h"
#include "vmm/qemu/saved_state.h"
#include "vmm/qemu/spawn_thread.h"
#include "vmm/tsc_clock.h"

namespace boxlite::vmm::qemu {
namespace {

// With them the guest's root can do to shared files what root of the shim's namespaces may: an ordinary
// user's own files, whatever their mode. capabilities(7): CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4.
constexpr linux_::CapabilitySet file_capabilities = 0b1'1011;

class QemuMachine : public Machine {
 public:
  QemuMachine(linux_::ChildProcess child, Qmp qmp) : child_(std::move(child)), qmp_(std::move(qmp)) {}

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
  void broker_memory(const MachineSpec& spec, SpawnThread thread, linux_::OpenBroker broker);
  // The machine was started with its saved state in a pipe, and waits to be told.
  Result<void> go_on();
  // It stood still when its process was frozen.
  Result<void> go_on_thawed() { return qmp_.post("cont", {}); }

 private:
  std::optional<SpawnThread> thread_;  // goes after the child
  linux_::ChildProcess child_;
  Qmp qmp_;
  std::optional<linux_::OpenBroker> broker_;
  MachineSpec spec_;  // with a broker
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
  if (!broker_) return fail(ErrorCode::unsupported, "freeze QEMU: its memory is not a saved machine's");
  BOXLITE_TRY(pause(deadline));
  BOXLITE_TRY_CONTEXT("freeze QEMU", freeze::freeze(freezing_order(pid(), spec_, into), deadline));
  return {};
}

void QemuMachine::broker_memory(const MachineSpec& spec, SpawnThread thread, linux_::OpenBroker broker) {
  spec_ = spec;
  thread_ = std::move(thread);
  broker_ = std::move(broker);
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

// Where QEMU may change files: its disks and what it makes for itself.
std::vector<std::filesystem::path> writable_places(const MachineSpec& spec) {
  std::vector<std::filesystem::path> places = {"/dev"};
  for (const auto& disk : spec.disks) {
    if (disk.format != DiskFormat::blank && !disk.is_read_only) places.push_back(disk.path);
  }
  for (const auto& share : spec.shares) places.push_back(share.path);
  if (const char* directory = std::getenv("TMPDIR"); directory != nullptr) places.emplace_back(directory);
  return places;
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
  return std::move(error)
      .context("start QEMU")
      .with_remedy("install it: sudo apt-get install qemu-system-x86");
}

Result<std::unique_ptr<QemuMachine>> spawn(const linux_::ChildSpec& child, UniqueFd control) {
  auto process = linux_::ChildProcess::spawn(child);
  if (!process) return std::unexpected(explained(std::move(process).error()));
  return std::make_unique<QemuMachine>(std::move(*process), Qmp(std::move(control)));
}

// The saved memory is other boxes' as well: QEMU gets it for reading, and can open nothing of it for more.
Result<std::unique_ptr<QemuMachine>> spawn_confined(const MachineSpec& spec, const linux_::ChildSpec& child,
                                                    Qmp qmp, UniqueFd memory) {
  auto started = SpawnThread::spawn(child, writable_places(spec));
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  auto machine = std::make_unique<QemuMachine>(std::move(process.child), std::move(qmp));
  machine->broker_memory(
      spec, std::move(thread),
      linux_::OpenBroker(std::move(process.openings), spec.saved->memory, std::move(memory)));
  return machine;
}

Result<std::unique_ptr<QemuMachine>> launch_saved(const MachineSpec& spec, linux_::ChildSpec child,
                                                  UniqueFd control) {
  const auto state = BOXLITE_TRY(pipe_with_state(spec.saved->state));
  child.fds.push_back({state.get(), state_fd});
  auto machine = spec.memory_file.empty()
                     ? spawn_confined(spec, child, Qmp(std::move(control)),
                                      BOXLITE_TRY(open_file(spec.saved->memory, O_RDONLY)))
                     : spawn(child, std::move(control));
  if (machine) BOXLITE_TRY((*machine)->go_on());
  return machine;
}

}  // namespace

// The child becomes the QEMU that was frozen, with our ends of what it is connected to.
Result<std::unique_ptr<Machine>> QemuEngine::thaw(const MachineSpec& spec, linux_::ChildSpec child,
                                                  UniqueFd control) {
  const auto frozen = BOXLITE_TRY(freeze::FrozenProcess::open(spec.saved->state, spec.saved->pages));
  auto memory = BOXLITE_TRY(open_file(spec.saved->memory, O_RDONLY));
  child.program = thaw_;
  child.arguments.clear();
  child.environment.clear();
  child.fds.push_back({memory.get(), linux_::handed_out_fd});
  const auto give = [&](const std::string& name, int flags) { return open_given(spec, name, flags); };
  const auto held = BOXLITE_TRY(frozen.add_descriptors(child.fds, give));
  constexpr bool is_greeted = true;
  auto machine =
      BOXLITE_TRY(spawn_confined(spec, child, Qmp(std::move(control), is_greeted), std::move(memory)));
  BOXLITE_TRY(machine->go_on_thawed());
  return machine;
}

Result<std::unique_ptr<Machine>> QemuEngine::launch(const MachineSpec& spec, MachineEnds ends) {
  BOXLITE_TRY(check_disk_headers(spec));
  auto complete = spec;
  if (complete.accelerator == Accelerator::tcg && complete.tsc_khz == 0) complete.tsc_khz = measure_tsc_khz();
  auto control = BOXLITE_TRY(linux_::unix_socket_pair());
  linux_::ChildSpec child{.program = program_,
                          .arguments = machine_arguments(complete),
                          .environment = environment(),
                          .fds = {{control.second.get(), control_fd},
                                  {ends.agent_port.get(), agent_port_fd},
                                  {ends.console.get(), console_fd},
                                  {ends.link.get(), link_fd}},
                          .die_with_parent = true,
                          .capabilities = file_capabilities};
  if (ends.lock_fd >= 0) child.fds.push_back({ends.lock_fd, lock_fd});
  if (ends.error_log.is_open()) {
    child.fds.push_back({ends.error_log.get(), 1});
    child.fds.push_back({ends.error_log.get(), 2});
  }
  if (complete.saved && complete.saved->is_frozen())
    return thaw(complete, std::move(child), std::move(control.first));
  if (complete.saved) return launch_saved(complete, std::move(child), std::move(control.first));
  return spawn(child, std::move(control.first));
}

}  // namespace boxlite::vmm::qemu
