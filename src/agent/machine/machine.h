// SPDX-License-Identifier: Apache-2.0
// The machine around the container: what PID 1 does before, beside and after it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/messages.h"

namespace boxlite::agent {

inline constexpr const char* identity_dir = "/run/box/etc";  // hosts, hostname, resolv.conf for the container
inline constexpr const char* root_dir =
    "/run/box/root";  // the box's disk, in the agent's own mount namespace

std::uint64_t boottime_ns();
std::uint64_t wall_clock_ns();

// proc, sys, dev, cgroup2 and run, and the kernel's settings. Only what the agent cannot do without is an
// error.
Result<void> set_up_machine();

// The device of the virtio-serial port of that name ("boxlite.agent"); empty when there is none (yet).
std::string find_port(std::string_view name);
// Opens it; waits for it up to a few seconds. `flags` of open(2).
Result<UniqueFd> open_port(std::string_view name, int flags);

// Clock, entropy, host name, and the files in identity_dir. May be called again.
Result<void> configure_machine(const wire::msg::ConfigureRequest& request);

// The clock says what the host's does: at once where it is behind or far ahead, else little by little. How
// far it was behind, in nanoseconds.
Result<std::int64_t> follow_clock(std::uint64_t host_unix_ns);

// An ext4 disk on root_dir; a file system smaller than its device is grown.
Result<void> mount_root_disk(const std::string& device);
// Leaves a clean file system, or one whose journal the next mount replays. For when no process of the
// container is left.
void unmount_root_disk();

[[noreturn]] void power_off();
// Without a thought for what is on disks.
[[noreturn]] void drop_power();

}  // namespace boxlite::agent
