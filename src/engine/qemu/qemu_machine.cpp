// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/shortage.h"
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
#include "linux/files/file_copy.h"
#include "linux/sockets/unix_socket.h"
#include "qcow2/overlay.h"

namespace boxlite::engine::qemu {
namespace {

// What a machine is made of.
struct Origin {
  MachineSpec spec;
  std::optional<Snapshot> from;

  // Of a snapshot and mapped privately, as every box has it.
  bool has_saved_memory() const { return from && spec.memory_file.empty(); }
  bool is_thawed() const { return from && from->is_warm(); }
};

// What we talk to QEMU by.
struct Channels {
  Qmp qmp;
  UniqueFd error_log;
};

class QemuMachine : public Machine {
 public:
  QemuMachine(Origin origin, SpawnThread thread, linux_::ChildProcess child, Channels channels)
      : origin_(std::move(origin)),
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
  Result<void> snapshot(const SnapshotRequest& request, Deadline deadline) override;

  // The machine was started with its saved state in a pipe, and waits to be told.
  Result<void> go_on();
  // It stood still when its process was frozen.
  Result<void> go_on_thawed() { return qmp_.post("cont", {}); }

 private:
  Result<void> save(const SnapshotRequest& request, Deadline deadline);
  Result<void> write_state(int state_fd, Deadline deadline);
  Result<void> freeze(const Snapshot& into, Deadline deadline);
  Result<void> freeze_process(const Snapshot& into, Deadline deadline);

  Origin origin_;
  SpawnThread thread_;  // goes after the child
  linux_::ChildProcess child_;
  Qmp qmp_;
  UniqueFd error_log_;
  bool was_killed_ = false;
  bool was_frozen_ = false;
};

// Of memory that is a shared file, nothing is written.
constexpr std::string_view leave_memory_out =
    R"({"capabilities":[{"capability":"x-ignore-shared","state":true}]})";

Result<MachineEnd> QemuMachine::wait(Deadline deadline) {
  const auto end = BOXLITE_TRY(child_.wait(deadline));
  // What froze it has ended it.
  if (was_frozen_) return MachineEnd();
  return machine_end({.end = end,
                      .was_thawed = origin_.is_thawed(),
                      .was_killed = was_killed_,
                      .complaints = complaints_in(error_log_.get())});
}

void QemuMachine::kill() {
  was_killed_ = true;
  (void)child_.send_signal(SIGKILL);
}

// What cannot be, by its nature or for want of code.
Result<void> require_possible(const SnapshotRequest& request, const Origin& origin) {
  const auto refuse = [](std::string_view why) {
    return fail(ErrorCode::unsupported, concat("snapshot of a machine in QEMU: ", why));
  };
  if (request.with_disks) return refuse("its disks cannot be part of it");
  if (request.into.is_warm()) {
    if (request.keep_running) return refuse("a warm one ends its machine");
    return origin.has_saved_memory() ? Result<void>() : refuse("its memory is not that of a snapshot");
  }
  const auto& memory = origin.spec.memory_file;
  if (memory.empty()) return refuse("its memory is not a file");
  if (request.keep_running && request.into.memory == memory)
    return refuse("one that keeps running would go on to change its memory there");
  return {};
}

Result<void> QemuMachine::snapshot(const SnapshotRequest& request, Deadline deadline) {
  BOXLITE_TRY(require_possible(request, origin_));
  return request.into.is_warm() ? freeze(request.into, deadline) : save(request, deadline);
}

Result<void> QemuMachine::save(const SnapshotRequest& request, Deadline deadline) {
  const auto& into = request.into;
  const auto state = BOXLITE_TRY(open_file(into.state, O_WRONLY | O_CREAT | O_TRUNC));
  BOXLITE_TRY(write_state(state.get(), deadline));
  if (::fsync(state.get()) != 0) return fail(syscall_error("fsync", into.state.native(), errno));
  // It stands still.
  if (into.memory != origin_.spec.memory_file)
    BOXLITE_TRY(linux_::copy_sparse(origin_.spec.memory_file, into.memory));
  return request.keep_running ? resume(deadline) : quit(deadline);
}

Result<void> QemuMachine::write_state(int state_fd, Deadline deadline) {
  BOXLITE_TRY(qmp_.execute("migrate-set-capabilities",
                           R"({"capabilities":[{"capability":"x-ignore-shared","state":true},)"
                           R"({"capability":"events","state":true}]})",
                           deadline));
  BOXLITE_TRY(qmp_.pass_fd("state", state_fd, deadline));
  BOXLITE_TRY(qmp_.execute("migrate", R"({"uri":"fd:state"})", deadline));
  return qmp_.await_migration(deadline);
}

// QEMU keeps nothing of what it has translated when it is told to save a machine: its process is kept.
Result<void> QemuMachine::freeze(const Snapshot& into, Deadline deadline) {
  auto frozen = freeze_process(into, deadline);
  was_frozen_ = frozen.has_value();
  if (frozen || is_shortage(frozen.error()) || frozen.error().code() == ErrorCode::stopped) return frozen;
  // Another time it would be the same.
  return fail(ErrorCode::unsupported, frozen.error().message());
}

Result<void> QemuMachine::freeze_process(const Snapshot& into, Deadline deadline) {
  BOXLITE_TRY(pause(deadline));
  const auto order = freezing_order(pid(), origin_.spec, *origin_.from, into);
  BOXLITE_TRY_CONTEXT("freeze QEMU", freeze::freeze(order, deadline));
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

Result<std::unique_ptr<QemuMachine>> spawn(const Origin& origin, const linux_::ChildSpec& child,
                                           Channels channels) {
  const auto prepare = [&]() -> Result<Prepared> { return Prepared{child}; };
  auto started = SpawnThread::spawn(
      prepare, {jail::Intercepted::programs, access_of(origin.spec, origin.from, child.program)});
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  if (process.broker) thread.serve(*std::move(process.broker));
  return std::make_unique<QemuMachine>(origin, std::move(thread), std::move(process.child),
                                       std::move(channels));
}

// The saved memory is other boxes' as well: QEMU gets it for reading, and can open nothing of it for more.
Result<std::unique_ptr<QemuMachine>> spawn_on_saved(
    const Origin& origin, const std::filesystem::path& program, Channels channels,
    const std::function<Result<Prepared>(int memory_fd)>& prepare) {
  UniqueFd memory;
  auto started = SpawnThread::spawn(
      [&]() -> Result<Prepared> {
        memory = BOXLITE_TRY(open_file(origin.from->memory, O_RDONLY));
        return prepare(memory.get());
      },
      {jail::Intercepted::programs_and_openings, access_of(origin.spec, origin.from, program)});
  if (!started) return std::unexpected(explained(std::move(started).error()));
  auto& [thread, process] = *started;
  process.broker->replace(origin.from->memory, std::move(memory));
  thread.serve(*std::move(process.broker));
  return std::make_unique<QemuMachine>(origin, std::move(thread), std::move(process.child),
                                       std::move(channels));
}

Result<std::unique_ptr<QemuMachine>> launch_saved(const Origin& origin, linux_::ChildSpec child,
                                                  Channels channels) {
  const auto state = BOXLITE_TRY(pipe_with_state(origin.from->state));
  child.fds.push_back({state.get(), state_fd});
  const auto prepare = [&](int) -> Result<Prepared> { return Prepared{child}; };
  auto machine = origin.has_saved_memory()
                     ? spawn_on_saved(origin, child.program, std::move(channels), prepare)
                     : spawn(origin, child, std::move(channels));
  if (machine) BOXLITE_TRY((*machine)->go_on());
  return machine;
}

// The child becomes the QEMU that was frozen, with our ends of what it is connected to.
Result<std::unique_ptr<QemuMachine>> thaw(const Origin& origin, linux_::ChildSpec child,
                                          const std::filesystem::path& program, Channels channels) {
  const auto frozen = BOXLITE_TRY(freeze::FrozenProcess::open(origin.from->state, origin.from->pages));
  child.program = program;
  child.arguments.clear();
  child.environment.clear();
  const auto prepare = [&](int memory_fd) -> Result<Prepared> {
    Prepared prepared{child};
    prepared.child.fds.push_back({memory_fd, jail::handed_out_fd});
    const auto give = [&](const std::string& name, int flags) {
      return open_given(origin.spec, name, flags);
    };
    prepared.held = BOXLITE_TRY(frozen.add_descriptors(prepared.child.fds, give));
    return prepared;
  };
  auto machine = BOXLITE_TRY(spawn_on_saved(origin, program, std::move(channels), prepare));
  BOXLITE_TRY(machine->go_on_thawed());
  return machine;
}

linux_::ChildSpec qemu_child(const std::filesystem::path& program, const Origin& origin,
                             const MachineEnds& ends, int control) {
  linux_::ChildSpec child{.program = program,
                          .arguments = machine_arguments(origin.spec, origin.from),
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

Result<std::unique_ptr<Machine>> QemuEngine::launch(const MachineSpec& spec,
                                                    const std::optional<Snapshot>& from, MachineEnds ends) {
  BOXLITE_TRY(check_disk_headers(spec));
  Origin origin{spec, from};
  if (spec.accelerator == Accelerator::tcg && spec.tsc_khz == 0)
    origin.spec.tsc_khz = host::measure_tsc_khz();
  // QEMU may make no files where this one lies.
  if (!spec.memory_file.empty()) BOXLITE_TRY(open_file(spec.memory_file, O_WRONLY | O_CREAT));
  auto control = BOXLITE_TRY(linux_::unix_socket_pair());
  auto child = qemu_child(program_, origin, ends, control.second.get());
  // One that was frozen has greeted somebody else. The log is only moved: it stays open for the child.
  Channels channels{Qmp(std::move(control.first), origin.is_thawed()), std::move(ends.error_log)};
  if (origin.is_thawed()) return thaw(origin, std::move(child), thaw_, std::move(channels));
  if (from) return launch_saved(origin, std::move(child), std::move(channels));
  return spawn(origin, child, std::move(channels));
}

}  // namespace boxlite::engine::qemu
