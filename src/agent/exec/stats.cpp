// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/stats.h"

#include <array>

#include <unistd.h>

#include "agent/exec/proc_text.h"
#include "agent/machine/machine.h"

namespace boxlite::agent {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t sector_bytes = 512;  // in /proc/diskstats, whatever the disk's own are

// "vda", "sdb", but no partition, no loop device, no RAM disk.
bool is_whole_disk(std::string_view name) {
  if (!name.starts_with("vd") && !name.starts_with("sd")) return false;
  return name.find_first_of("0123456789") == std::string_view::npos;
}

std::uint64_t keyed(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = take_line(text);
    if (take_word(line) == key) return take_number(line);
  }
  return 0;
}

std::uint64_t number_in(const linux_::Cgroup& cgroup, const char* file) {
  const auto text = cgroup.read(file);
  if (!text) return 0;
  std::string_view rest = *text;
  auto line = take_line(rest);
  return take_number(line);
}

void read_container(const linux_::Cgroup& cgroup, wire::msg::ContainerStats& stats) {
  const auto usage = cgroup.usage();
  stats.set_cpu_ns(usage.cpu_ns);
  stats.set_memory_bytes(number_in(cgroup, "memory.current"));
  stats.set_memory_peak_bytes(usage.peak_memory_bytes);
  stats.set_oom_kills(usage.oom_kills);
  stats.set_pids(static_cast<std::uint32_t>(number_in(cgroup, "pids.current")));
  if (const auto text = cgroup.read("memory.stat")) stats.set_memory_anonymous_bytes(keyed(*text, "anon"));
}

}  // namespace

void read_cpu(std::string_view proc_stat, long ticks, wire::msg::StatsResponse& stats) {
  auto line = take_line(proc_stat);
  if (take_word(line) != "cpu" || ticks <= 0) return;
  // user nice system idle iowait irq softirq steal; the guests' time that follows is in user already
  std::array<std::uint64_t, 8> times{};
  for (auto& time : times) time = take_number(line);
  const auto idle = times[3] + times[4];
  const auto busy = times[0] + times[1] + times[2] + times[5] + times[6] + times[7];
  const auto tick_ns = second_ns / static_cast<std::uint64_t>(ticks);
  stats.set_cpu_busy_ns(busy * tick_ns);
  stats.set_cpu_idle_ns(idle * tick_ns);
}

void read_memory(std::string_view meminfo, wire::msg::StatsResponse& stats) {
  std::uint64_t cache = 0;
  while (!meminfo.empty()) {
    auto line = take_line(meminfo);
    const auto key = take_word(line);
    const auto bytes = take_number(line) * 1024;
    if (key == "MemTotal:") stats.set_memory_total_bytes(bytes);
    if (key == "MemAvailable:") stats.set_memory_available_bytes(bytes);
    if (key == "MemFree:") stats.set_memory_free_bytes(bytes);
    if (key == "Cached:" || key == "Buffers:" || key == "SReclaimable:") cache += bytes;
  }
  stats.set_memory_cache_bytes(cache);
}

void read_load(std::string_view loadavg, wire::msg::StatsResponse& stats) {
  const auto milli = [](std::string_view word) {
    const auto dot = std::min(word.find('.'), word.size());
    const auto hundredths = dot < word.size() ? to_number(word.substr(dot + 1)) : 0;
    return static_cast<std::uint32_t>(to_number(word.substr(0, dot)) * 1000 + hundredths * 10);
  };
  stats.set_load_1_milli(milli(take_word(loadavg)));
  stats.set_load_5_milli(milli(take_word(loadavg)));
  stats.set_load_15_milli(milli(take_word(loadavg)));
}

void read_disks(std::string_view diskstats, wire::msg::BlockStats& stats) {
  while (!diskstats.empty()) {
    auto line = take_line(diskstats);
    skip_words(line, 2);  // numbers of the device
    if (!is_whole_disk(take_word(line))) continue;
    stats.set_reads(stats.reads() + take_number(line));
    skip_words(line, 1);  // merged
    stats.set_read_bytes(stats.read_bytes() + take_number(line) * sector_bytes);
    skip_words(line, 1);  // time
    stats.set_writes(stats.writes() + take_number(line));
    skip_words(line, 1);
    stats.set_written_bytes(stats.written_bytes() + take_number(line) * sector_bytes);
  }
}

void read_interfaces(std::string_view net_dev, wire::msg::NetworkStats& stats) {
  while (!net_dev.empty()) {
    auto line = take_line(net_dev);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    auto name = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    if (take_word(name) == "lo") continue;
    stats.set_received_bytes(stats.received_bytes() + take_number(line));
    stats.set_received_packets(stats.received_packets() + take_number(line));
    skip_words(line, 6);
    stats.set_sent_bytes(stats.sent_bytes() + take_number(line));
    stats.set_sent_packets(stats.sent_packets() + take_number(line));
  }
}

wire::msg::StatsResponse machine_stats(const linux_::Cgroup* container) {
  wire::msg::StatsResponse stats;
  stats.set_uptime_ns(boottime_ns());
  stats.set_cpus(static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))));
  read_cpu(read_proc("/proc/stat"), ::sysconf(_SC_CLK_TCK), stats);
  read_memory(read_proc("/proc/meminfo"), stats);
  read_load(read_proc("/proc/loadavg"), stats);
  read_disks(read_proc("/proc/diskstats"), *stats.mutable_block());
  read_interfaces(read_proc("/proc/net/dev"), *stats.mutable_network());
  if (container != nullptr) read_container(*container, *stats.mutable_container());
  return stats;
}

}  // namespace boxlite::agent
