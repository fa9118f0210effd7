// SPDX-License-Identifier: Apache-2.0
// What a box uses, asked of its guest and of the host's kernel.
#include <algorithm>

#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"
#include "box/life/status.h"
#include "journal/counters.h"
#include "linux/process/process_usage.h"
#include "local/box/local_box.h"
#include "local/local_runtime.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;
using journal::Counter;

// The guest answers at once, or it is stopped or overwhelmed.
constexpr std::chrono::milliseconds guest_limit = 2s;
constexpr std::chrono::milliseconds list_limit = 10s;

GuestStats as_seen(const wire::msg::StatsResponse& stats) {
  GuestStats seen;
  seen.uptime = nanoseconds_from(stats.uptime_ns());
  seen.cpus = stats.cpus();
  seen.cpu_busy = nanoseconds_from(stats.cpu_busy_ns());
  seen.cpu_idle = nanoseconds_from(stats.cpu_idle_ns());
  seen.load_1 = stats.load_1_milli() / 1000.0;
  seen.load_5 = stats.load_5_milli() / 1000.0;
  seen.load_15 = stats.load_15_milli() / 1000.0;
  seen.memory_total_bytes = stats.memory_total_bytes();
  seen.memory_available_bytes = stats.memory_available_bytes();
  seen.memory_free_bytes = stats.memory_free_bytes();
  seen.memory_cache_bytes = stats.memory_cache_bytes();
  seen.container_cpu = nanoseconds_from(stats.container().cpu_ns());
  seen.container_memory_bytes = stats.container().memory_bytes();
  seen.container_memory_peak_bytes = stats.container().memory_peak_bytes();
  seen.container_memory_anonymous_bytes = stats.container().memory_anonymous_bytes();
  seen.container_oom_kills = stats.container().oom_kills();
  seen.container_pids = stats.container().pids();
  seen.block_read_bytes = stats.block().read_bytes();
  seen.block_written_bytes = stats.block().written_bytes();
  seen.network_received_bytes = stats.network().received_bytes();
  seen.network_sent_bytes = stats.network().sent_bytes();
  return seen;
}

NetworkStats as_seen(const wire::msg::NetworkCountersResponse& counters) {
  return {.sent_bytes = counters.sent_bytes(),
          .sent_packets = counters.sent_packets(),
          .received_bytes = counters.received_bytes(),
          .received_packets = counters.received_packets(),
          .connections = counters.connections(),
          .refusals = counters.refusals(),
          .dropped_packets = counters.dropped_packets()};
}

ProcessInfo as_seen(const wire::msg::Process& process) {
  ProcessInfo seen;
  seen.pid = process.pid();
  seen.parent_pid = process.parent_pid();
  seen.uid = process.uid();
  seen.user = process.user().empty() ? concat(process.uid()) : process.user();
  seen.state = process.state();
  seen.threads = process.threads();
  seen.cpu = nanoseconds_from(process.cpu_ns());
  seen.memory_bytes = process.memory_bytes();
  seen.age = nanoseconds_from(process.age_ns());
  for (std::string_view rest = process.command(); !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    seen.command.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return seen;
}

// What the files of a box occupy; a file that goes meanwhile is none.
std::uint64_t occupied_bytes(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : entries_of(directory)) {
    struct stat status{};
    const bool is_file = ::lstat(entry.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (is_file) bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

void add_usage(HostStats& host, std::optional<int> pid) {
  if (!pid) return;
  const auto usage = linux_::process_usage(*pid);
  if (!usage) return;
  host.cpu += usage->cpu;
  host.memory_pss_bytes += usage->pss_bytes;
  host.memory_rss_bytes += usage->rss_bytes;
}

}  // namespace

BoxActivity activity_of(const journal::CounterValues& values) {
  return {.commands = values[Counter::commands],
          .command_errors = values[Counter::command_errors],
          .command_timeouts = values[Counter::command_timeouts],
          .command_oom_kills = values[Counter::command_oom_kills],
          .bytes_in = values[Counter::bytes_to_boxes],
          .bytes_out = values[Counter::bytes_from_boxes]};
}

Result<BoxStats> LocalBox::stats() {
  const auto record = BOXLITE_TRY(lifecycle_.look());
  BoxStats stats;
  stats.id = id();
  stats.name = record.name;
  stats.status = box::parse_status(record.state.status);
  stats.host.disk_bytes = occupied_bytes(lifecycle_.paths().directory);
  const journal::Counters counters(lifecycle_.paths().directory / journal::counters_file_name);
  stats.activity = activity_of(BOXLITE_TRY(counters.read()));
  if (!record.state.shim_pid) return stats;
  add_usage(stats.host, record.state.shim_pid);
  add_usage(stats.host, record.state.vmm_pid);
  if (stats.status != BoxStatus::running) return stats;
  const auto connection = connect(Deadline::never());
  if (!connection) return stats;
  const auto guest = (*connection)->call<wire::GuestStats>({}, Deadline::after(guest_limit));
  if (guest) stats.guest = as_seen(*guest);
  const auto network = (*connection)->call<wire::ShimNetworkCounters>({}, Deadline::after(guest_limit));
  if (network) stats.network = as_seen(*network);
  return stats;
}

Result<ProcessList> LocalBox::processes() {
  const auto record = BOXLITE_TRY(lifecycle_.look());
  const auto status = box::parse_status(record.state.status);
  if (status != BoxStatus::running) {
    return fail(
        Error(ErrorCode::invalid_state, concat("list the processes of box ", id(), ": it is ", name(status)))
            .with_remedy("start it first"));
  }
  auto connection = connect(Deadline::never());
  if (!connection) return fail(with_name(std::move(connection).error(), "list the processes of"));
  auto answer = (*connection)->call<wire::GuestProcesses>({}, Deadline::after(list_limit));
  if (!answer) return fail(with_name(std::move(answer).error(), "list the processes of"));
  ProcessList list;
  list.total = answer->total();
  for (const auto& process : answer->processes()) list.processes.push_back(as_seen(process));
  std::ranges::sort(list.processes, {}, &ProcessInfo::pid);
  return list;
}

}  // namespace boxlite::local
