// SPDX-License-Identifier: Apache-2.0
#include "linux/process/capabilities.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace boxlite::linux_ {
namespace {

// In the order of their numbers.
constexpr std::array<std::string_view, capability_count> names{"CHOWN",
                                                               "DAC_OVERRIDE",
                                                               "DAC_READ_SEARCH",
                                                               "FOWNER",
                                                               "FSETID",
                                                               "KILL",
                                                               "SETGID",
                                                               "SETUID",
                                                               "SETPCAP",
                                                               "LINUX_IMMUTABLE",
                                                               "NET_BIND_SERVICE",
                                                               "NET_BROADCAST",
                                                               "NET_ADMIN",
                                                               "NET_RAW",
                                                               "IPC_LOCK",
                                                               "IPC_OWNER",
                                                               "SYS_MODULE",
                                                               "SYS_RAWIO",
                                                               "SYS_CHROOT",
                                                               "SYS_PTRACE",
                                                               "SYS_PACCT",
                                                               "SYS_ADMIN",
                                                               "SYS_BOOT",
                                                               "SYS_NICE",
                                                               "SYS_RESOURCE",
                                                               "SYS_TIME",
                                                               "SYS_TTY_CONFIG",
                                                               "MKNOD",
                                                               "LEASE",
                                                               "AUDIT_WRITE",
                                                               "AUDIT_CONTROL",
                                                               "SETFCAP",
                                                               "MAC_OVERRIDE",
                                                               "MAC_ADMIN",
                                                               "SYSLOG",
                                                               "WAKE_ALARM",
                                                               "BLOCK_SUSPEND",
                                                               "AUDIT_READ",
                                                               "PERFMON",
                                                               "BPF",
                                                               "CHECKPOINT_RESTORE"};
static_assert(names.back() == "CHECKPOINT_RESTORE");

bool same_ignoring_case(std::string_view left, std::string_view right) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(left, right, {}, upper, upper);
}

}  // namespace

std::optional<int> capability_number(std::string_view name) {
  if (name.size() > 4 && same_ignoring_case(name.substr(0, 4), "CAP_")) name.remove_prefix(4);
  const auto* const found =
      std::ranges::find_if(names, [&](std::string_view known) { return same_ignoring_case(known, name); });
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

bool limit_bounding_set(CapabilitySet kept) noexcept {
  // Numbers that this kernel does not know end the loop with EINVAL; newer ones than we know are dropped too.
  for (int number = 0; number < 64; ++number) {
    if (((kept >> number) & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;
    return false;
  }
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

bool set_capabilities(CapabilitySet kept) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto half = static_cast<std::uint32_t>(kept >> (32 * i));
    sets[i] = {half, half, 0};
  }
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

CapabilitySet effective_capabilities() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return 0;
  return (CapabilitySet{sets[1].effective} << 32) | sets[0].effective;
}

bool leave_capabilities(CapabilitySet kept) noexcept {
  kept &= effective_capabilities();
  // Without CAP_SETPCAP there is nothing in the bounding set that an exec could give us.
  if (!limit_bounding_set(kept) && errno != EPERM) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto half = static_cast<std::uint32_t>(kept >> (32 * i));
    sets[i] = {half, half, half};
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return false;
  for (int number = 0; number < capability_count; ++number) {
    if (((kept >> number) & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return false;
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

}  // namespace boxlite::linux_
