// SPDX-License-Identifier: Apache-2.0
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output/usage_tables.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::ordered_json;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string written(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json guest_object(const GuestStats& guest) {
  return {{"uptime_seconds", seconds(guest.uptime)},
          {"cpus", guest.cpus},
          {"cpu_busy_seconds", seconds(guest.cpu_busy)},
          {"cpu_idle_seconds", seconds(guest.cpu_idle)},
          {"load", {guest.load_1, guest.load_5, guest.load_15}},
          {"memory_total_bytes", guest.memory_total_bytes},
          {"memory_available_bytes", guest.memory_available_bytes},
          {"memory_free_bytes", guest.memory_free_bytes},
          {"memory_cache_bytes", guest.memory_cache_bytes},
          {"container_cpu_seconds", seconds(guest.container_cpu)},
          {"container_memory_bytes", guest.container_memory_bytes},
          {"container_memory_peak_bytes", guest.container_memory_peak_bytes},
          {"container_memory_anonymous_bytes", guest.container_memory_anonymous_bytes},
          {"container_oom_kills", guest.container_oom_kills},
          {"container_pids", guest.container_pids},
          {"block_read_bytes", guest.block_read_bytes},
          {"block_written_bytes", guest.block_written_bytes},
          {"network_received_bytes", guest.network_received_bytes},
          {"network_sent_bytes", guest.network_sent_bytes}};
}

Json network_object(const NetworkStats& network) {
  return {{"sent_bytes", network.sent_bytes},          {"sent_packets", network.sent_packets},
          {"received_bytes", network.received_bytes},  {"received_packets", network.received_packets},
          {"connections", network.connections},        {"refusals", network.refusals},
          {"dropped_packets", network.dropped_packets}};
}

Json reading_object(const Reading& reading) {
  const auto& box = reading.later;
  return {{"id", box.id},
          {"name", box.name.empty() ? Json(nullptr) : Json(box.name)},
          {"status", name(box.status)},
          {"cpu_percent", cpu_percent(reading.earlier, box)},
          {"guest", box.guest ? guest_object(*box.guest) : Json(nullptr)},
          {"network", box.network ? network_object(*box.network) : Json(nullptr)},
          {"host",
           {{"cpu_seconds", seconds(box.host.cpu)},
            {"memory_pss_bytes", box.host.memory_pss_bytes},
            {"memory_rss_bytes", box.host.memory_rss_bytes},
            {"disk_bytes", box.host.disk_bytes}}},
          {"activity",
           {{"commands", box.activity.commands},
            {"command_errors", box.activity.command_errors},
            {"command_timeouts", box.activity.command_timeouts},
            {"command_oom_kills", box.activity.command_oom_kills},
            {"bytes_in", box.activity.bytes_in},
            {"bytes_out", box.activity.bytes_out}}}};
}

Json process_object(const ProcessInfo& process) {
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"uid", process.uid},
          {"user", process.user},
          {"state", process.state},
          {"threads", process.threads},
          {"cpu_seconds", seconds(process.cpu)},
          {"memory_bytes", process.memory_bytes},
          {"age_seconds", seconds(process.age)},
          {"command", process.command}};
}

}  // namespace

std::string stats_json(const std::vector<Reading>& readings) {
  Json list = Json::array();
  for (const auto& reading : readings) list.push_back(reading_object(reading));
  return written(list) + "\n";
}

std::string processes_json(const ProcessList& list) {
  Json processes = Json::array();
  for (const auto& process : list.processes) processes.push_back(process_object(process));
  return written({{"total", list.total}, {"processes", std::move(processes)}}) + "\n";
}

std::string event_json(const Event& event) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(event.time);
  Json attributes = Json::object();
  for (const auto& [key, value] : event.attributes) attributes[key] = value;
  return written({{"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                                       (event.time - whole).count())},
                  {"type", event.type},
                  {"box", event.box_id},
                  {"name", event.box_name},
                  {"attributes", std::move(attributes)}},
                 -1);
}

}  // namespace boxlite::cli
