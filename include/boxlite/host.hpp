// SPDX-License-Identifier: Apache-2.0
// What this host can do, and what to change so that it can do more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/error.hpp>

namespace boxlite {

enum class Accelerator {
  automatic,  // KVM where it really runs a guest, else TCG
  kvm,        // hardware virtualization, or an error
  tcg,        // software emulation: works everywhere
};

// "auto", "kvm" or "tcg", as `--accel` takes it. Thread-safe.
BOXLITE_API std::string_view name(Accelerator accelerator);

enum class CheckStatus { ok, warning, problem };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(CheckStatus status);

// One line of `boxlite doctor`.
struct HostCheck {
  std::string name = {};  // "kvm_device", "kvm_native", "qemu", "user_namespaces", …: stable
  CheckStatus status = CheckStatus::ok;
  std::string detail = {};  // what was found
  std::string remedy = {};  // what to do about it; empty when ok
};

struct HostReport {
  Accelerator accelerator = Accelerator::tcg;  // what `automatic` means here; never `automatic`
  std::string accelerator_reason = {};
  std::string qemu_version = {};  // empty: not found
  std::filesystem::path qemu_path = {};
  std::filesystem::path kernel_path = {};  // of the guest; empty: not found
  std::string host_kernel = {};            // uname -r
  std::string architecture = {};           // "x86_64"
  unsigned cpus = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t free_disk_bytes = 0;  // of the home's file system
  int cgroup_version = 0;             // 0: none
  bool has_user_namespaces = false;
  std::vector<HostCheck> checks = {};

  // True when boxes can run here.
  bool is_usable() const {
    for (const auto& check : checks) {
      if (check.status == CheckStatus::problem) return false;
    }
    return true;
  }
};

}  // namespace boxlite
