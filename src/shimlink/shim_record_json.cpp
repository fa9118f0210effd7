// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "base/files.h"
#include "json/fields.h"
#include "model/enum_names.h"
#include "shimlink/network_config_json.h"
#include "shimlink/shim_record.h"

namespace boxlite::shimlink {
namespace {

using nlohmann::json;

constexpr auto any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t any_pid = std::numeric_limits<pid_t>::max();

// What the guest wrote may be any bytes.
std::string dump(const json& object) {
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<json> read_object(const std::filesystem::path& path) {
  const auto text = BOXLITE_TRY(read_file(path, 1u << 20));
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return fail(ErrorCode::corrupted, concat(in_quotes(path.native()), " is not a record"));
  return object;
}

Error corrupted(const Error& error, const std::filesystem::path& path) {
  return Error(ErrorCode::corrupted, concat(in_quotes(path.native()), ": ", error.message()));
}

Result<Timestamp> parse_time(json_::Fields& fields, const char* key) {
  const auto text = BOXLITE_TRY(fields.text(key));
  return parse_rfc3339(text);
}

Result<ShimRecord> parse_shim_record(const json& object) {
  json_::Fields fields(object, "shim record");
  ShimRecord record;
  record.shim.pid = static_cast<pid_t>(BOXLITE_TRY(fields.number("pid", 1, any_pid)));
  record.shim.start_ticks = BOXLITE_TRY(fields.number("start_ticks", 0, any_number));
  record.shim.boot_id = BOXLITE_TRY(fields.text("boot_id"));
  record.vmm_pid = static_cast<pid_t>(BOXLITE_TRY(fields.number("vmm_pid", 0, any_pid)));
  record.started_at = BOXLITE_TRY(parse_time(fields, "started_at"));
  if (fields.has("ready_at")) record.ready_at = BOXLITE_TRY(parse_time(fields, "ready_at"));
  const auto phase = BOXLITE_TRY(fields.text("phase"));
  record.phase = BOXLITE_TRY_CONTEXT("phase", model::parse<ShimPhase>(phase));
  record.restart_count = BOXLITE_TRY(fields.number("restart_count", 0, any_number));
  record.is_maintenance = BOXLITE_TRY(fields.flag("is_maintenance"));
  const auto health = BOXLITE_TRY(fields.text("health"));
  record.health = BOXLITE_TRY_CONTEXT("health", model::parse<HealthStatus>(health));
  record.health_failures = BOXLITE_TRY(fields.number("health_failures", 0, any_number));
  record.health_output = BOXLITE_TRY(fields.text("health_output"));
  // One that an older shim wrote has none.
  if (fields.has("disk_errors")) {
    record.disk_errors = BOXLITE_TRY(fields.number("disk_errors", 0, any_number));
    record.disk_last_error = BOXLITE_TRY(fields.text("disk_last_error"));
    record.disk_is_read_only = BOXLITE_TRY(fields.flag("disk_is_read_only"));
  }
  const auto* stages = BOXLITE_TRY(fields.array("stages"));
  for (const auto& entry : *stages) {
    json_::Fields stage(entry, "stage");
    auto stage_name = BOXLITE_TRY(stage.text("name"));
    const auto duration = BOXLITE_TRY(stage.number("duration_us", 0, 1ull << 60));
    record.stages.push_back({std::move(stage_name), std::chrono::microseconds(duration)});
  }
  if (!fields.has("ports")) return record;
  const auto* ports = BOXLITE_TRY(fields.array("ports"));
  for (const auto& port : *ports) record.ports.push_back(BOXLITE_TRY(parse_port_mapping(port)));
  return record;
}

Result<ExitRecord> parse_exit_record(const json& object) {
  json_::Fields fields(object, "exit record");
  ExitRecord record;
  const auto reason = BOXLITE_TRY(fields.text("reason"));
  record.reason = BOXLITE_TRY_CONTEXT("reason", model::parse<ExitReason>(reason));
  record.at = BOXLITE_TRY(parse_time(fields, "at"));
  if (fields.has("exit_code"))
    record.exit_code = static_cast<int>(BOXLITE_TRY(fields.number("exit_code", 0, 255)));
  if (fields.has("signal")) record.signal = static_cast<int>(BOXLITE_TRY(fields.number("signal", 1, 255)));
  if (fields.has("oom_killed")) record.oom_killed = BOXLITE_TRY(fields.flag("oom_killed"));
  if (fields.has("phase")) record.phase = BOXLITE_TRY(fields.text("phase"));
  if (fields.has("message")) record.message = BOXLITE_TRY(fields.text("message"));
  if (fields.has("console_tail")) record.console_tail = BOXLITE_TRY(fields.text("console_tail"));
  return record;
}

}  // namespace

std::string_view name(ShimPhase phase) {
  switch (phase) {
    case ShimPhase::booting: return "booting";
    case ShimPhase::running: return "running";
    case ShimPhase::paused: return "paused";
    case ShimPhase::restarting: return "restarting";
    case ShimPhase::stopping: return "stopping";
  }
  return {};
}

std::string_view name(ExitReason reason) {
  switch (reason) {
    case ExitReason::stopped: return "stopped";
    case ExitReason::main_exited: return "main_exited";
    case ExitReason::killed: return "killed";
    case ExitReason::boot_failed: return "boot_failed";
    case ExitReason::vmm_failed: return "vmm_failed";
  }
  return {};
}

std::string to_json(const ShimRecord& record) {
  json object = {{"pid", record.shim.pid},
                 {"start_ticks", record.shim.start_ticks},
                 {"boot_id", record.shim.boot_id},
                 {"vmm_pid", record.vmm_pid},
                 {"started_at", to_rfc3339(record.started_at)},
                 {"phase", name(record.phase)},
                 {"restart_count", record.restart_count},
                 {"is_maintenance", record.is_maintenance},
                 {"health", name(record.health)},
                 {"health_failures", record.health_failures},
                 {"health_output", record.health_output},
                 {"disk_errors", record.disk_errors},
                 {"disk_last_error", record.disk_last_error},
                 {"disk_is_read_only", record.disk_is_read_only},
                 {"stages", json::array()},
                 {"ports", json::array()}};
  if (record.ready_at) object["ready_at"] = to_rfc3339(*record.ready_at);
  for (const auto& stage : record.stages) {
    object["stages"].push_back({{"name", stage.name}, {"duration_us", stage.duration.count()}});
  }
  for (const auto& port : record.ports) object["ports"].push_back(to_object(port));
  return dump(object);
}

std::string to_json(const ExitRecord& record) {
  json object = {{"reason", name(record.reason)}, {"at", to_rfc3339(record.at)}};
  if (record.exit_code) object["exit_code"] = *record.exit_code;
  if (record.signal) object["signal"] = *record.signal;
  if (record.oom_killed) object["oom_killed"] = true;
  if (!record.phase.empty()) object["phase"] = record.phase;
  if (!record.message.empty()) object["message"] = record.message;
  if (!record.console_tail.empty()) object["console_tail"] = record.console_tail;
  return dump(object);
}

Result<ShimRecord> read_shim_record(const std::filesystem::path& box_dir) {
  const auto path = box_dir / shim_record_name;
  const auto object = BOXLITE_TRY(read_object(path));
  auto record = parse_shim_record(object);
  if (!record) return fail(corrupted(record.error(), path));
  return record;
}

Result<ExitRecord> read_exit_record(const std::filesystem::path& box_dir) {
  const auto path = box_dir / exit_record_name;
  const auto object = BOXLITE_TRY(read_object(path));
  auto record = parse_exit_record(object);
  if (!record) return fail(corrupted(record.error(), path));
  return record;
}

}  // namespace boxlite::shimlink
