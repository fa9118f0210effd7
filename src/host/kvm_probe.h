// SPDX-License-Identifier: Apache-2.0
// Whether /dev/kvm really executes guest code.
//
// Some nested hosts offer a KVM that passes the classic test (a guest that halts) but interprets an ordinary
// kernel's instructions one by one, about a thousand times too slowly; QEMU then seems to hang. So the probe
// also runs a 64-bit loop of 20,000 iterations: microseconds on hardware, tens of milliseconds there.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace boxlite::host {

enum class KvmVerdict {
  usable,
  missing,      // no such device
  no_access,    // it cannot be opened
  unusable,     // it does not make or run machines
  interpreted,  // it runs them, but not on the processor
};
std::string_view name(KvmVerdict verdict);

struct KvmReport {
  KvmVerdict verdict = KvmVerdict::missing;
  bool exists = false;
  bool opens = false;
  bool halts = false;  // a guest of one HLT instruction ran
  bool runs_natively = false;
  std::chrono::microseconds loop_time{0};  // the fastest of the tries; 0 when none ended
  std::string detail;                      // the failed step: "open \"/dev/kvm\": Permission denied"

  bool operator==(const KvmReport&) const = default;
};

// Never takes longer than about half a second, whatever the device does. Any thread; uses a real-time signal
// of the calling thread only, blocked meanwhile.
KvmReport probe_kvm(const std::filesystem::path& device = "/dev/kvm");

}  // namespace boxlite::host
