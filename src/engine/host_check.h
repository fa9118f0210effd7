// SPDX-License-Identifier: Apache-2.0
// What this host can do for us, and what would help where it cannot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/machine_spec.h"
#include "host/kvm_probe.h"

namespace boxlite::engine {

struct HostProblem {
  std::string what;  // "no user namespaces for this user"
  std::string remedy;
  bool is_fatal = false;  // no box can start
};

struct QemuProgram {
  std::filesystem::path path = {};
  std::string version = {};  // "7.2.22"

  bool operator==(const QemuProgram&) const = default;
};

// The choice that every start needs: quick, from the cache where there is one.
struct EngineChoice {
  Accelerator accelerator = Accelerator::tcg;
  std::string reason = {};  // one sentence
  EngineConfig engine = {};
  std::string version = {};  // of its program
  unsigned tsc_khz = 0;      // for MachineSpec

  bool operator==(const EngineChoice&) const = default;
};

struct EngineRequest {
  // Empty: $BOXLITE_ACCEL, and when that is empty too, automatic.
  std::optional<Accelerator> accelerator = {};
  // Where the verdict is kept: it holds for this boot, this QEMU program and this access to /dev/kvm. Empty:
  // none.
  std::filesystem::path cache_file = {};
  std::filesystem::path kvm_device = "/dev/kvm";
  std::filesystem::path helper = {};             // for EngineConfig
  std::string qemu_name = "qemu-system-x86_64";  // searched in PATH, or a path
  bool asks_confined = true;                     // QEMU for its version: false allows for a script
};

// unsupported (with remedy) when QEMU is missing or too old, or KVM was asked for by name and cannot be used.
Result<EngineChoice> choose_engine(const EngineRequest& request);

struct HostReport {
  host::KvmReport kvm;
  std::string cpu_virtualization;  // "vmx", "svm" or empty: the processor shows neither
  Accelerator accelerator = Accelerator::tcg;
  std::string accelerator_reason;
  std::optional<QemuProgram> qemu;
  bool has_user_namespaces = false;
  int cgroup_version = 0;             // 1, 2; 0: none
  std::uint64_t free_disk_bytes = 0;  // where the home is
  bool is_wsl = false;
  std::vector<HostProblem> problems;
};

// Everything, measured now; about 50 ms.
HostReport check_host(const EngineRequest& request, const std::filesystem::path& home);

}  // namespace boxlite::engine
