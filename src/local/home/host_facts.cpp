// SPDX-License-Identifier: Apache-2.0
#include "local/home/host_facts.h"

#include <thread>

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/concat.h"
#include "box/spec/authorities.h"
#include "host/host_memory.h"

namespace boxlite::local {
namespace {

HostCheck check(std::string name, bool is_ok, std::string detail) {
  return {.name = std::move(name),
          .status = is_ok ? CheckStatus::ok : CheckStatus::warning,
          .detail = std::move(detail),
          .remedy = {}};
}

// A file that BoxLite brings along: no box can start without it.
HostCheck file_check(std::string name, const Result<std::filesystem::path>& found) {
  if (found)
    return {.name = std::move(name), .status = CheckStatus::ok, .detail = found->native(), .remedy = {}};
  return {.name = std::move(name),
          .status = CheckStatus::problem,
          .detail = found.error().message(),
          .remedy = found.error().remedy()};
}

std::string gibibytes(std::uint64_t bytes) {
  return concat(bytes >> 30, " GiB");
}

void add_checks(const engine::HostReport& found, HostReport& report) {
  auto& checks = report.checks;
  const auto& kvm = found.kvm;
  checks.push_back(check("kvm_device", kvm.exists, kvm.exists ? "/dev/kvm exists" : "there is no /dev/kvm"));
  if (kvm.exists)
    checks.push_back(check("kvm_access", kvm.opens, kvm.opens ? "it can be opened" : kvm.detail));
  if (kvm.opens) checks.push_back(check("kvm_guest", kvm.halts, kvm.halts ? "a guest runs" : kvm.detail));
  if (kvm.halts) {
    checks.push_back(check(
        "kvm_native", kvm.runs_natively,
        kvm.runs_natively ? concat("20,000 iterations in ", kvm.loop_time.count(), " us") : kvm.detail));
  }
  checks.push_back(
      check("qemu", found.qemu.has_value(),
            found.qemu ? concat(found.qemu->path.native(), " ", found.qemu->version) : "not found"));
  checks.push_back(
      check("user_namespaces", found.has_user_namespaces,
            found.has_user_namespaces ? "usable, for folders and volumes" : "not usable by this user"));
  checks.push_back(check("cgroup", found.cgroup_version > 0, concat("version ", found.cgroup_version)));
  checks.push_back(check("free_disk", true, gibibytes(found.free_disk_bytes)));
}

// The remedy of a problem, as an entry of its own: one problem may concern several facts.
void add_problems(const engine::HostReport& found, HostReport& report) {
  for (const auto& problem : found.problems) {
    report.checks.push_back({.name = "host",
                             .status = problem.is_fatal ? CheckStatus::problem : CheckStatus::warning,
                             .detail = problem.what,
                             .remedy = problem.remedy});
  }
}

}  // namespace

HostReport host_facts(const engine::HostReport& found, const Installation& installation) {
  HostReport report;
  report.accelerator = found.accelerator == engine::Accelerator::kvm ? Accelerator::kvm : Accelerator::tcg;
  report.accelerator_reason = found.accelerator_reason;
  if (found.qemu) {
    report.qemu_version = found.qemu->version;
    report.qemu_path = found.qemu->path;
  }
  utsname name{};
  if (::uname(&name) == 0) {
    report.host_kernel = name.release;
    report.architecture = name.machine;
  }
  report.cpus = std::thread::hardware_concurrency();
  struct sysinfo memory{};
  if (::sysinfo(&memory) == 0) report.memory_bytes = std::uint64_t{memory.totalram} * memory.mem_unit;
  report.free_disk_bytes = found.free_disk_bytes;
  report.cgroup_version = found.cgroup_version;
  report.has_user_namespaces = found.has_user_namespaces;
  add_checks(found, report);
  add_problems(found, report);
  const auto kernel = installation.kernel();
  if (kernel) report.kernel_path = *kernel;
  report.checks.push_back(file_check("kernel", kernel));
  report.checks.push_back(file_check("initramfs", installation.initramfs()));
  report.checks.push_back(file_check("shim", installation.shim()));
  report.checks.push_back(file_check("base_image", installation.base_image()));
  return report;
}

Result<void> check_on_host(const BoxSpec& spec) {
  BOXLITE_TRY(host::require_memory(static_cast<unsigned>(spec.memory_mib)));
  BOXLITE_TRY(box::read_authorities(spec.authorities));
  return {};
}

}  // namespace boxlite::local
