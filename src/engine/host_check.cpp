// SPDX-License-Identifier: Apache-2.0
#include "engine/host_check.h"

#include <sys/statvfs.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/host_facts.h"
#include "jail/file_confinement.h"

namespace boxlite::engine {
namespace {

constexpr std::uint64_t comfortable_disk_bytes = 2ull << 30;

void add_problem(HostReport& report, std::string what, std::string remedy, bool is_fatal = false) {
  report.problems.push_back({std::move(what), std::move(remedy), is_fatal});
}

void add_problem(HostReport& report, const Error& error) {
  add_problem(report, error.message(), error.remedy(), true);
}

void check_kvm(HostReport& report, const EngineRequest& request) {
  report.kvm = host::probe_kvm(request.kvm_device);
  if (const auto cpuinfo = read_file("/proc/cpuinfo"))
    report.cpu_virtualization = cpu_virtualization(*cpuinfo);
  const auto reason = kvm_reason(name(report.kvm.verdict), report.kvm.detail);
  const bool is_usable = report.kvm.verdict == host::KvmVerdict::usable;
  report.accelerator = is_usable ? Accelerator::kvm : Accelerator::tcg;
  report.accelerator_reason = reason;
  if (!is_usable) {
    add_problem(report, concat("boxes run by software emulation: ", reason),
                kvm_remedy(report.kvm, report.cpu_virtualization, report.is_wsl));
  }
  const auto wanted = requested_accelerator(request);
  if (!wanted) return add_problem(report, wanted.error());
  if (!*wanted) return;
  report.accelerator = **wanted;
  report.accelerator_reason = "asked for by name";
  if (**wanted == Accelerator::kvm && !is_usable) {
    add_problem(report, concat("accelerator kvm was asked for, but: ", reason), "use accelerator auto or tcg",
                true);
  }
}

void check_qemu(HostReport& report, const EngineRequest& request) {
  const auto path = find_qemu(request.qemu_name);
  if (!path) return add_problem(report, path.error());
  const auto version = qemu_version(*path, request.asks_confined);
  if (!version) return add_problem(report, version.error());
  report.qemu = QemuProgram{*path, *version};
  if (const auto accepted = require_qemu_version(*version); !accepted) add_problem(report, accepted.error());
}

void check_disk(HostReport& report, std::filesystem::path directory) {
  struct statvfs status = {};
  // The home may not exist yet: ask where it will be.
  while (::statvfs(directory.c_str(), &status) != 0) {
    if (!directory.has_relative_path()) return;
    directory = directory.parent_path();
  }
  report.free_disk_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (report.free_disk_bytes >= comfortable_disk_bytes) return;
  add_problem(
      report,
      concat("only ", report.free_disk_bytes >> 20, " MiB are free below ", in_quotes(directory.native())),
      "free some space, or choose another home with --home or $BOXLITE_HOME");
}

}  // namespace

HostReport check_host(const EngineRequest& request, const std::filesystem::path& home) {
  HostReport report;
  report.is_wsl = is_wsl();
  check_kvm(report, request);
  check_qemu(report, request);
  report.has_user_namespaces = has_user_namespaces();
  if (!report.has_user_namespaces) {
    add_problem(
        report,
        "this user may not mount in a user namespace, so boxes get no folders of the host and no volumes",
        "sudo sysctl user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1; on Ubuntu also "
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0; in a container, allow unshare and "
        "mount in its seccomp profile");
  }
  if (!jail::can_confine_files()) {
    add_problem(
        report,
        "this kernel has no Landlock, so who breaks out of a box can read this user's files, and every "
        "box boots: each start takes about a second longer",
        "use Linux 5.19 or later, with landlock among the modules in /sys/kernel/security/lsm");
  }
  report.cgroup_version = cgroup_version();
  if (report.cgroup_version != 2) {
    add_problem(report, "no cgroup v2 at /sys/fs/cgroup, so host limits of a box are not enforced",
                "boot with systemd.unified_cgroup_hierarchy=1");
  }
  check_disk(report, home);
  return report;
}

}  // namespace boxlite::engine
