// SPDX-License-Identifier: Apache-2.0
// What boxes and a whole home use and have done. Plain values. docs/reference/metrics.md says where each
// comes from.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boxlite/box.hpp>
#include <boxlite/error.hpp>

namespace boxlite {

// What the machine says of itself: counters since it was started. A hostile guest may lie.
struct GuestStats {
  std::chrono::nanoseconds uptime{0};  // when the counters were read; rates are taken from two of these
  unsigned cpus = 0;
  std::chrono::nanoseconds cpu_busy{0};  // of all CPUs, kernel included
  std::chrono::nanoseconds cpu_idle{0};
  double load_1 = 0;
  double load_5 = 0;
  double load_15 = 0;
  std::uint64_t memory_total_bytes = 0;
  std::uint64_t memory_available_bytes = 0;
  std::uint64_t memory_free_bytes = 0;
  std::uint64_t memory_cache_bytes = 0;

  // Of everything that runs in the container.
  std::chrono::nanoseconds container_cpu{0};
  std::uint64_t container_memory_bytes = 0;  // page cache included
  std::uint64_t container_memory_peak_bytes = 0;
  std::uint64_t container_memory_anonymous_bytes = 0;  // what cannot be dropped
  std::uint64_t container_oom_kills = 0;
  unsigned container_pids = 0;  // threads included

  std::uint64_t block_read_bytes = 0;
  std::uint64_t block_written_bytes = 0;
  std::uint64_t network_received_bytes = 0;
  std::uint64_t network_sent_bytes = 0;
};

// What has passed its cable since its start, as the host counted.
struct NetworkStats {
  std::uint64_t sent_bytes = 0;  // by the box; whole Ethernet frames
  std::uint64_t sent_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t connections = 0;      // flows that were let through, in or out
  std::uint64_t refusals = 0;         // flows that were not
  std::uint64_t dropped_packets = 0;  // that were none, or pretended to be another's
};

// What it costs the host: the shim and the machine's process.
struct HostStats {
  std::chrono::nanoseconds cpu{0};
  std::uint64_t memory_pss_bytes = 0;  // its fair share of what it shares with other boxes
  std::uint64_t memory_rss_bytes = 0;
  std::uint64_t disk_bytes = 0;  // of the box's directory: disk and logs
};

// What was asked of it, since it was created.
struct BoxActivity {
  std::uint64_t commands = 0;          // begun, main commands included
  std::uint64_t command_errors = 0;    // of them, those whose program could not be started
  std::uint64_t command_timeouts = 0;  // killed by their timeout
  std::uint64_t command_oom_kills = 0;
  std::uint64_t bytes_in = 0;   // stdin and files
  std::uint64_t bytes_out = 0;  // output and files
};

struct BoxStats {
  std::string id = {};
  std::string name = {};
  BoxStatus status = BoxStatus::configured;
  // Not set when the box does not run, or does not answer within two seconds.
  std::optional<GuestStats> guest = {};
  std::optional<NetworkStats> network = {};  // not set when the box does not run
  HostStats host = {};
  BoxActivity activity = {};
};

// How busy the container was between two readings, in per cent of one CPU; 0 when that cannot be said (the
// machine was started anew in between, or no time has passed).
BOXLITE_API double cpu_percent(const BoxStats& earlier, const BoxStats& later);

// A process in a box, as the box's kernel shows it.
struct ProcessInfo {
  std::uint32_t pid = 0;  // in the box
  std::uint32_t parent_pid = 0;
  std::uint32_t uid = 0;
  std::string user = {};   // as the box's /etc/passwd calls it, or the number
  std::string state = {};  // a letter: R, S, D, Z, T, …
  std::uint32_t threads = 0;
  std::chrono::nanoseconds cpu{0};
  std::uint64_t memory_bytes = 0;  // resident
  std::chrono::nanoseconds age{0};
  std::vector<std::string> command = {};  // cut at 4 KiB; one element "[name]" when it has none
};

struct ProcessList {
  std::vector<ProcessInfo> processes = {};  // by pid, at most 1,024
  std::uint32_t total = 0;                  // how many there are
};

// A home. The counters never go down while the home exists; what many processes do at once is counted once
// each.
struct RuntimeMetrics {
  std::uint64_t boxes_created = 0;
  std::uint64_t boxes_started = 0;
  std::uint64_t boxes_failed = 0;   // starts that failed and machines that broke
  std::uint64_t boxes_stopped = 0;  // machines that ended in any other way
  std::uint64_t boxes_removed = 0;
  std::uint64_t boxes_restarted = 0;  // by a restart policy
  BoxActivity activity = {};          // of all boxes, removed ones included
  std::uint64_t images_pulled = 0;

  // As it is now.
  struct StatusCount {
    BoxStatus status = BoxStatus::configured;
    std::uint64_t boxes = 0;
  };
  std::vector<StatusCount> boxes = {};  // every status, also those of no box
  std::uint64_t images = 0;
  std::uint64_t image_bytes = 0;
};

// Prometheus' text format, version 0.0.4: the home, and the given boxes with the labels `box` and `name`.
BOXLITE_API std::string prometheus_text(const RuntimeMetrics& metrics, std::span<const BoxStats> boxes = {});

}  // namespace boxlite
