// SPDX-License-Identifier: Apache-2.0
// What the machine and its container use: a dozen small files of /proc and of the container's cgroup, read
// anew for each call. The readers of single files are here for their tests.
#pragma once

#include <string_view>

#include "linux/process/cgroup.h"
#include "wire/messages.h"

namespace boxlite::agent {

// `container` may be null.
wire::msg::StatsResponse machine_stats(const linux_::Cgroup* container);

// `ticks`: of the kernel's clock, per second.
void read_cpu(std::string_view proc_stat, long ticks, wire::msg::StatsResponse& stats);
void read_memory(std::string_view meminfo, wire::msg::StatsResponse& stats);
void read_load(std::string_view loadavg, wire::msg::StatsResponse& stats);
void read_disks(std::string_view diskstats, wire::msg::BlockStats& stats);
void read_interfaces(std::string_view net_dev, wire::msg::NetworkStats& stats);

}  // namespace boxlite::agent
