// SPDX-License-Identifier: Apache-2.0
// The single facts of the host check.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/host_check.h"

namespace boxlite::engine {

// not_found with remedy.
Result<std::filesystem::path> find_qemu(std::string_view name);
// "7.2.22", as the program itself says, confined as boxes' QEMU is where
// that is possible and wanted; unsupported with the remedy when it cannot
// run so. About 30 ms.
Result<std::string> qemu_version(const std::filesystem::path& program, bool is_confined = true);
// unsupported below 7.2.
Result<void> require_qemu_version(std::string_view version);

// Nothing: automatic.
Result<std::optional<Accelerator>> requested_accelerator(const EngineRequest& request);
std::string kvm_reason(std::string_view kvm_verdict, std::string_view detail);

// The remedy for a KVM that cannot be used.
std::string kvm_remedy(const host::KvmReport& kvm, std::string_view cpu_virtualization, bool is_wsl);

// "vmx", "svm" or empty, from the text of /proc/cpuinfo.
std::string cpu_virtualization(std::string_view cpuinfo);
bool has_user_namespaces();
int cgroup_version(const std::filesystem::path& mount = "/sys/fs/cgroup");
bool is_wsl();

}  // namespace boxlite::engine
