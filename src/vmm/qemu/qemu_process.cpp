// SPDX-License-Identifier: Apache-2.0
#include "vmm/qemu/qemu_process.h"

#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/concat.h"
#include "linux/unix_socket.h"
#include "vmm/qemu/argv.h"
#include "vmm/qemu/qmp.h"
#include "vmm/tsc_clock.h"

namespace boxlite::vmm::qemu {
namespace {

// With them the guest's root can do to shared files what root of the shim's namespaces may: an ordinary
// user's own files, whatever their mode. capabilities(7): CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4.
constexpr linux_::CapabilitySet file_capabilities = 0b1'1011;

class QemuMachine : public Machine {
 public:
  QemuMachine(linux_::ChildProcess child, UniqueFd control)
      : child_(std::move(child)), qmp_(std::move(control)) {}

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

 private:
  linux_::ChildProcess child_;
  Qmp qmp_;
};

std::vector<std::string> environment() {
  std::vector<std::string> result = {"PATH=/usr/bin:/bin"};
  if (const char* directory = std::getenv("TMPDIR"); directory != nullptr)
    result.push_back(concat("TMPDIR=", directory));
  return result;
}

}  // namespace

Result<std::unique_ptr<Machine>> QemuEngine::launch(const MachineSpec& spec, MachineEnds ends) {
  auto complete = spec;
  if (complete.accelerator == Accelerator::tcg && complete.tsc_khz == 0) complete.tsc_khz = measure_tsc_khz();
  auto control = BOXLITE_TRY(linux_::unix_socket_pair());
  linux_::ChildSpec child{.program = program_,
                          .arguments = machine_arguments(complete),
                          .environment = environment(),
                          .fds = {{control.second.get(), control_fd},
                                  {ends.agent_port.get(), agent_port_fd},
                                  {ends.console.get(), console_fd}},
                          .die_with_parent = true,
                          .capabilities = file_capabilities};
  if (ends.lock_fd >= 0) child.fds.push_back({ends.lock_fd, lock_fd});
  if (ends.error_log.is_open()) {
    child.fds.push_back({ends.error_log.get(), 1});
    child.fds.push_back({ends.error_log.get(), 2});
  }
  auto process = linux_::ChildProcess::spawn(child);
  if (!process) {
    return std::unexpected(std::move(process)
                               .error()
                               .context("start QEMU")
                               .with_remedy("install it: sudo apt-get install qemu-system-x86"));
  }
  return std::make_unique<QemuMachine>(std::move(*process), std::move(control.first));
}

}  // namespace boxlite::vmm::qemu
