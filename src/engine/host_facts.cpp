// SPDX-License-Identifier: Apache-2.0
#include "engine/host_facts.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/qemu/access.h"
#include "jail/file_confinement.h"
#include "linux/process/child_process.h"

namespace boxlite::engine {
namespace {

constexpr std::string_view install_qemu = "sudo apt-get install qemu-system-x86";

constexpr std::string_view confined_remedy =
    "boxes' QEMU is confined: it runs nothing but itself and what is in the system's library directories, "
    "/nix/store, /gnu/store, and lib, lib64 and share/qemu beside its own directory. Put the directory of "
    "the "
    "program itself first in PATH, not that of a script which starts it; see "
    "docs/explanation/confinement.md";

bool is_version(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// What boxes start is confined alike.
class Confined : public linux_::ChildStep {
 public:
  explicit Confined(const jail::FileConfinement& files) : files_(files) {}
  int descriptor() const override { return files_.fd(); }
  bool run(int rules) override {
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && jail::FileConfinement::enter(rules);
  }

 private:
  const jail::FileConfinement& files_;
};

Result<std::string> ask_for_version(const std::filesystem::path& program, linux_::ChildStep* last_step) {
  const char* path = std::getenv("PATH");
  const linux_::ChildSpec spec{.program = program,
                               .arguments = {"--version"},
                               .environment = {concat("PATH=", path != nullptr ? path : "/usr/bin:/bin")},
                               .last_step = last_step};
  const auto ran = linux_::run_and_capture(spec, Deadline::after(std::chrono::seconds(10)));
  if (!ran) {
    auto error = ran.error();
    return fail(std::move(error).context("ask QEMU for its version").with_remedy(install_qemu));
  }
  const auto& run = *ran;
  constexpr std::string_view before = "version ";
  const auto at = run.output.find(before);
  if (run.end.exit_code == 0 && run.end.signal == 0 && at != std::string::npos) {
    const auto rest = std::string_view(run.output).substr(at + before.size());
    const auto version = rest.substr(0, rest.find_first_not_of("0123456789."));
    if (is_version(version)) return std::string(version);
  }
  return fail(Error(ErrorCode::unsupported, concat("ask QEMU for its version: ", in_quotes(program.native()),
                                                   " said ", in_quotes(run.output)))
                  .with_remedy(install_qemu));
}

}  // namespace

Result<std::filesystem::path> find_qemu(std::string_view name) {
  auto found = linux_::find_program(name);
  if (found) return found;
  return std::unexpected(std::move(found).error().context("find QEMU").with_remedy(install_qemu));
}

Result<std::string> qemu_version(const std::filesystem::path& program, bool is_confined) {
  if (!is_confined || !jail::can_confine_files()) return ask_for_version(program, nullptr);
  const auto files =
      BOXLITE_TRY(jail::FileConfinement::create(qemu::access_of(MachineSpec(), std::nullopt, program)));
  Confined confined(files);
  auto version = ask_for_version(program, &confined);
  // Without the confinement it may do better, which is another fault than not to be a QEMU; one that says
  // nothing would take its time once more.
  if (version || version.error().code() == ErrorCode::timed_out || !ask_for_version(program, nullptr))
    return version;
  return fail(
      Error(ErrorCode::unsupported, concat("run QEMU, confined as boxes' is: ", version.error().message()))
          .with_remedy(confined_remedy));
}

Result<void> require_qemu_version(std::string_view version) {
  int major = 0, minor = 0;
  const auto* end = version.data() + version.size();
  const auto parsed = std::from_chars(version.data(), end, major);
  if (parsed.ptr != end) std::from_chars(parsed.ptr + 1, end, minor);
  if (major > 7 || (major == 7 && minor >= 2)) return {};
  return fail(
      Error(ErrorCode::unsupported, concat("QEMU ", version, " is too old: 7.2 is the oldest that works"))
          .with_remedy("Debian 12 and Ubuntu 23.04 have a newer package qemu-system-x86"));
}

std::string kvm_remedy(const host::KvmReport& kvm, std::string_view cpu_virtualization, bool is_wsl) {
  std::string wsl =
      "on WSL2 put `nestedVirtualization=true` below `[wsl2]` in %UserProfile%\\.wslconfig (Windows 11), "
      "then run "
      "`wsl --shutdown`";
  switch (kvm.verdict) {
    case host::KvmVerdict::usable: return {};
    case host::KvmVerdict::no_access:
      return "join the group kvm: sudo usermod -aG kvm $USER, then log in again";
    case host::KvmVerdict::interpreted:
      return "this cloud's KVM cannot run Linux guests fast: use a machine type with nested virtualization "
             "(or bare "
             "metal); boxes run by software emulation meanwhile";
    case host::KvmVerdict::missing:
    case host::KvmVerdict::unusable: break;
  }
  if (is_wsl) return wsl;
  if (cpu_virtualization.empty()) {
    return "the processor shows neither vmx nor svm: switch virtualization on in the BIOS or, in a virtual "
           "machine, "
           "ask its provider for nested virtualization";
  }
  return concat("load the module: sudo modprobe ", cpu_virtualization == "vmx" ? "kvm_intel" : "kvm_amd");
}

std::string cpu_virtualization(std::string_view cpuinfo) {
  const auto begin = cpuinfo.find("\nflags");
  if (begin == std::string_view::npos) return {};
  const auto line = concat(cpuinfo.substr(begin + 1, cpuinfo.find('\n', begin + 1) - begin - 1), " ");
  for (const auto* flag : {"vmx", "svm"}) {
    if (line.find(concat(" ", flag, " ")) != std::string::npos) return flag;
  }
  return {};
}

bool has_user_namespaces() {
  // Tried in a child that ends at once: whatever forbids it (sysctl, AppArmor, seccomp) is asked. AppArmor
  // lets the namespace be made and then no mount in it.
  constexpr int flags = CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD;
  const long pid = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) {
    const bool can_mount = ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
                           ::mount("/", "/", nullptr, MS_BIND | MS_REC, nullptr) == 0;
    ::_exit(can_mount ? 0 : 1);
  }
  if (pid < 0) return false;
  int status = 1;
  while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

int cgroup_version(const std::filesystem::path& mount) {
  std::error_code ignored;
  if (std::filesystem::exists(mount / "cgroup.controllers", ignored)) return 2;
  return std::filesystem::is_directory(mount / "memory", ignored) ? 1 : 0;
}

bool is_wsl() {
  std::error_code ignored;
  return std::filesystem::exists("/proc/sys/fs/binfmt_misc/WSLInterop", ignored);
}

}  // namespace boxlite::engine
