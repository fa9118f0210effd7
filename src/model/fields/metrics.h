// SPDX-License-Identifier: Apache-2.0
// What boxes and a home use and have done.
#pragma once

#include <tuple>

#include <boxlite/metrics.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<GuestStats> auto& guest) {
  field("uptime_seconds", InSeconds{guest.uptime});
  field("cpus", guest.cpus);
  field("cpu_busy_seconds", InSeconds{guest.cpu_busy});
  field("cpu_idle_seconds", InSeconds{guest.cpu_idle});
  field("load", std::tie(guest.load_1, guest.load_5, guest.load_15));
  field("memory_total_bytes", guest.memory_total_bytes);
  field("memory_available_bytes", guest.memory_available_bytes);
  field("memory_free_bytes", guest.memory_free_bytes);
  field("memory_cache_bytes", guest.memory_cache_bytes);
  field("container_cpu_seconds", InSeconds{guest.container_cpu});
  field("container_memory_bytes", guest.container_memory_bytes);
  field("container_memory_peak_bytes", guest.container_memory_peak_bytes);
  field("container_memory_anonymous_bytes", guest.container_memory_anonymous_bytes);
  field("container_oom_kills", guest.container_oom_kills);
  field("container_pids", guest.container_pids);
  field("block_read_bytes", guest.block_read_bytes);
  field("block_written_bytes", guest.block_written_bytes);
  field("network_received_bytes", guest.network_received_bytes);
  field("network_sent_bytes", guest.network_sent_bytes);
}

void describe(auto& field, Of<NetworkStats> auto& network) {
  field("sent_bytes", network.sent_bytes);
  field("sent_packets", network.sent_packets);
  field("received_bytes", network.received_bytes);
  field("received_packets", network.received_packets);
  field("connections", network.connections);
  field("refusals", network.refusals);
  field("dropped_packets", network.dropped_packets);
}

void describe(auto& field, Of<HostStats> auto& host) {
  field("cpu_seconds", InSeconds{host.cpu});
  field("memory_pss_bytes", host.memory_pss_bytes);
  field("memory_rss_bytes", host.memory_rss_bytes);
  field("disk_bytes", host.disk_bytes);
}

void describe(auto& field, Of<BoxActivity> auto& activity) {
  field("commands", activity.commands);
  field("command_errors", activity.command_errors);
  field("command_timeouts", activity.command_timeouts);
  field("command_oom_kills", activity.command_oom_kills);
  field("bytes_in", activity.bytes_in);
  field("bytes_out", activity.bytes_out);
}

void describe(auto& field, Of<BoxStats> auto& box) {
  field("id", box.id);
  field("name", OrNull{box.name});
  field("status", box.status);
  field("guest", box.guest);
  field("network", box.network);
  field("host", box.host);
  field("activity", box.activity);
}

void describe(auto& field, Of<ProcessInfo> auto& process) {
  field("pid", process.pid);
  field("parent_pid", process.parent_pid);
  field("uid", process.uid);
  field("user", process.user);
  field("state", process.state);
  field("threads", process.threads);
  field("cpu_seconds", InSeconds{process.cpu});
  field("memory_bytes", process.memory_bytes);
  field("age_seconds", InSeconds{process.age});
  field("command", process.command);
}

void describe(auto& field, Of<ProcessList> auto& list) {
  field("total", list.total);
  field("processes", list.processes);
}

void describe(auto& field, Of<RuntimeMetrics::StatusCount> auto& count) {
  field("status", count.status);
  field("boxes", count.boxes);
}

void describe(auto& field, Of<RuntimeMetrics> auto& metrics) {
  field("boxes_created", metrics.boxes_created);
  field("boxes_started", metrics.boxes_started);
  field("boxes_failed", metrics.boxes_failed);
  field("boxes_stopped", metrics.boxes_stopped);
  field("boxes_removed", metrics.boxes_removed);
  field("boxes_restarted", metrics.boxes_restarted);
  field("activity", metrics.activity);
  field("images_pulled", metrics.images_pulled);
  field("boxes", metrics.boxes);
  field("images", metrics.images);
  field("image_bytes", metrics.image_bytes);
}

}  // namespace boxlite::model
