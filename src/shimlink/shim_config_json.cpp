// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "base/hex.h"
#include "json/fields.h"
#include "model/enum_names.h"
#include "shimlink/network_config_json.h"
#include "shimlink/shim_config.h"

namespace boxlite::shimlink {
namespace {

using nlohmann::json;

json to_object(const engine::Disk& disk) {
  return {{"path", disk.path.native()},
          {"format", name(disk.format)},
          {"base", disk.base.native()},
          {"is_read_only", disk.is_read_only},
          {"size_bytes", disk.size_bytes}};
}

json to_object(const Folder& folder) {
  return {{"host_path", to_hex(folder.host_path.native())},
          {"box_path", to_hex(folder.box_path)},
          {"is_volume", folder.is_volume},
          {"is_read_only", folder.is_read_only},
          {"fill", folder.fill}};
}

template <typename Item>
json to_array(const std::vector<Item>& items) {
  auto array = json::array();
  for (const auto& item : items) array.push_back(to_object(item));
  return array;
}

json path_array(const std::vector<std::filesystem::path>& paths) {
  auto array = json::array();
  for (const auto& path : paths) array.push_back({{"path", to_hex(path.native())}});
  return array;
}

json to_object(const FolderOwner& owner) {
  return {{"is_box_user", owner.is_box_user}, {"uid", owner.uid}, {"gid", owner.gid}};
}

Result<FolderOwner> parse_folder_owner(const json& object) {
  json_::Fields fields(object, "folder owner");
  FolderOwner owner;
  owner.is_box_user = BOXLITE_TRY(fields.flag("is_box_user"));
  owner.uid = static_cast<std::uint32_t>(BOXLITE_TRY(fields.number("uid", 0, 0xffff'ffff)));
  owner.gid = static_cast<std::uint32_t>(BOXLITE_TRY(fields.number("gid", 0, 0xffff'ffff)));
  BOXLITE_TRY(fields.no_others());
  return owner;
}

Result<std::filesystem::path> parse_path(const json& object) {
  json_::Fields fields(object, "path");
  std::filesystem::path path = BOXLITE_TRY(fields.bytes("path"));
  BOXLITE_TRY(fields.no_others());
  return path;
}

template <typename Item>
Result<std::vector<Item>> parse_array(json_::Fields& fields, const char* key,
                                      Result<Item> (*parse)(const json&)) {
  const auto* array = BOXLITE_TRY(fields.array(key));
  std::vector<Item> items;
  for (const auto& object : *array) items.push_back(BOXLITE_TRY(parse(object)));
  return items;
}

json to_object(const engine::EngineConfig& engine) {
  return {{"name", engine.name}, {"program", engine.program.native()}, {"helper", engine.helper.native()}};
}

Result<engine::EngineConfig> parse_engine(const json& object) {
  json_::Fields fields(object, "engine");
  engine::EngineConfig engine;
  engine.name = BOXLITE_TRY(fields.text("name"));
  engine.program = BOXLITE_TRY(fields.text("program"));
  engine.helper = BOXLITE_TRY(fields.text("helper"));
  BOXLITE_TRY(fields.no_others());
  return engine;
}

// An empty object: none.
json to_object(const std::optional<engine::Snapshot>& snapshot) {
  if (!snapshot) return json::object();
  return {{"memory", snapshot->memory.native()},
          {"state", snapshot->state.native()},
          {"pages", snapshot->pages.native()},
          {"disk", snapshot->disk.native()}};
}

Result<std::optional<engine::Snapshot>> parse_snapshot(const json& object) {
  if (object.empty()) return std::optional<engine::Snapshot>();
  json_::Fields files(object, "snapshot");
  engine::Snapshot snapshot;
  snapshot.memory = BOXLITE_TRY(files.text("memory"));
  snapshot.state = BOXLITE_TRY(files.text("state"));
  snapshot.pages = BOXLITE_TRY(files.text("pages"));
  snapshot.disk = BOXLITE_TRY(files.text("disk"));
  BOXLITE_TRY(files.no_others());
  return std::optional(std::move(snapshot));
}

json to_object(const engine::MachineSpec& machine) {
  return {{"kernel", machine.kernel.native()},        {"memory_file", machine.memory_file.native()},
          {"initramfs", machine.initramfs.native()},  {"kernel_arguments", machine.kernel_arguments},
          {"accelerator", name(machine.accelerator)}, {"cpus", machine.cpus},
          {"memory_mib", machine.memory_mib},         {"tsc_khz", machine.tsc_khz},
          {"disks", to_array(machine.disks)}};
}

Result<engine::DiskFormat> parse_disk_format(std::string_view text) {
  for (const auto format : {engine::DiskFormat::raw, engine::DiskFormat::qcow2, engine::DiskFormat::blank}) {
    if (text == name(format)) return format;
  }
  return fail(ErrorCode::invalid_argument, concat("disk: unknown format ", in_quotes(text)));
}

Result<engine::Disk> parse_disk(const json& object) {
  json_::Fields fields(object, "disk");
  engine::Disk disk;
  disk.path = BOXLITE_TRY(fields.text("path"));
  const auto format = BOXLITE_TRY(fields.text("format"));
  disk.format = BOXLITE_TRY(parse_disk_format(format));
  disk.base = BOXLITE_TRY(fields.text("base"));
  disk.is_read_only = BOXLITE_TRY(fields.flag("is_read_only"));
  disk.size_bytes = BOXLITE_TRY(fields.number("size_bytes", 0, std::numeric_limits<std::int64_t>::max()));
  BOXLITE_TRY(fields.no_others());
  return disk;
}

Result<Folder> parse_folder(const json& object) {
  json_::Fields fields(object, "folder");
  Folder folder;
  folder.host_path = BOXLITE_TRY(fields.bytes("host_path"));
  folder.box_path = BOXLITE_TRY(fields.bytes("box_path"));
  folder.is_volume = BOXLITE_TRY(fields.flag("is_volume"));
  folder.is_read_only = BOXLITE_TRY(fields.flag("is_read_only"));
  folder.fill = BOXLITE_TRY(fields.flag("fill"));
  BOXLITE_TRY(fields.no_others());
  return folder;
}

Result<engine::MachineSpec> parse_machine(const json& object) {
  json_::Fields fields(object, "machine");
  engine::MachineSpec machine;
  machine.kernel = BOXLITE_TRY(fields.text("kernel"));
  machine.initramfs = BOXLITE_TRY(fields.text("initramfs"));
  machine.kernel_arguments = BOXLITE_TRY(fields.text("kernel_arguments"));
  const auto accelerator = BOXLITE_TRY(fields.text("accelerator"));
  machine.accelerator = BOXLITE_TRY_CONTEXT("machine", engine::parse_accelerator(accelerator));
  machine.cpus = static_cast<unsigned>(BOXLITE_TRY(fields.number("cpus", 1, 255)));
  machine.memory_mib = static_cast<unsigned>(BOXLITE_TRY(fields.number("memory_mib", 1, 1u << 30)));
  machine.tsc_khz =
      static_cast<unsigned>(BOXLITE_TRY(fields.number("tsc_khz", 0, std::numeric_limits<unsigned>::max())));
  machine.memory_file = BOXLITE_TRY(fields.text("memory_file"));
  machine.disks = BOXLITE_TRY(parse_array(fields, "disks", parse_disk));
  BOXLITE_TRY(fields.no_others());
  return machine;
}

Result<std::chrono::milliseconds> parse_duration(json_::Fields& fields, const char* key) {
  constexpr std::uint64_t a_year = 366ull * 24 * 3600 * 1000;
  return std::chrono::milliseconds(BOXLITE_TRY(fields.number(key, 0, a_year)));
}

json to_object(const HealthRule& health) {
  return {{"probe", name(health.probe)},
          {"command_request", to_hex(health.command_request)},
          {"interval_ms", health.interval.count()},
          {"timeout_ms", health.timeout.count()},
          {"start_period_ms", health.start_period.count()},
          {"retries", health.retries}};
}

Result<HealthRule> parse_health(const json& object) {
  json_::Fields fields(object, "health");
  HealthRule health;
  const auto probe = BOXLITE_TRY(fields.text("probe"));
  health.probe = BOXLITE_TRY_CONTEXT("health probe", model::parse<HealthProbe>(probe));
  health.command_request = BOXLITE_TRY(fields.bytes("command_request"));
  health.interval = BOXLITE_TRY(parse_duration(fields, "interval_ms"));
  health.timeout = BOXLITE_TRY(parse_duration(fields, "timeout_ms"));
  health.start_period = BOXLITE_TRY(parse_duration(fields, "start_period_ms"));
  health.retries = static_cast<unsigned>(BOXLITE_TRY(fields.number("retries", 1, 1000)));
  BOXLITE_TRY(fields.no_others());
  return health;
}

}  // namespace

std::chrono::milliseconds default_boot_timeout(engine::Accelerator accelerator) {
  return std::chrono::seconds(accelerator == engine::Accelerator::kvm ? 30 : 120);
}

std::string to_json(const ShimConfig& config) {
  const json object = {{"box_id", config.box_id},
                       {"home", config.home.native()},
                       {"box_name", config.box_name},
                       {"box_dir", config.box_dir.native()},
                       {"from", to_object(config.from)},
                       {"snapshot_into", to_object(config.snapshot_into)},
                       {"awaits_claim", config.awaits_claim},
                       {"machine", to_object(config.machine)},
                       {"network", to_object(config.network)},
                       {"folders", to_array(config.folders)},
                       {"host_sockets", path_array(config.host_sockets)},
                       {"engine", to_object(config.engine)},
                       {"folder_owner", to_object(config.folder_owner)},
                       {"fileserver", config.fileserver.native()},
                       {"configure_request", to_hex(config.configure_request)},
                       {"start_container_request", to_hex(config.start_container_request)},
                       {"main_request", to_hex(config.main_request)},
                       {"client_starts_main", config.client_starts_main},
                       {"log_file_bytes", config.log_file_bytes},
                       {"log_files", config.log_files},
                       {"health", to_object(config.health)},
                       {"auto_stop_ms", config.auto_stop.count()},
                       {"is_maintenance", config.is_maintenance},
                       {"is_disposable", config.is_disposable},
                       {"restart", name(config.restart.mode)},
                       {"restart_limit", config.restart.max_retries},
                       {"boot_timeout_ms", config.boot_timeout.count()},
                       {"stop_grace_ms", config.stop_grace.count()},
                       {"stop_signal", config.stop_signal},
                       {"is_detached", config.is_detached},
                       {"console_log_bytes", config.console_log_bytes}};
  // Paths are bytes and need not be UTF-8; JSON cannot say those, so they are refused by the parser as
  // changed.
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ShimConfig> parse_shim_config(std::string_view text) {
  const auto object = json::parse(text, nullptr, false);
  json_::Fields fields(object, "shim config");
  ShimConfig config;
  config.box_id = BOXLITE_TRY(fields.text("box_id"));
  config.home = BOXLITE_TRY(fields.text("home"));
  config.box_name = BOXLITE_TRY(fields.text("box_name"));
  config.box_dir = BOXLITE_TRY(fields.text("box_dir"));
  const auto* from = BOXLITE_TRY(fields.object("from"));
  config.from = BOXLITE_TRY(parse_snapshot(*from));
  const auto* snapshot_into = BOXLITE_TRY(fields.object("snapshot_into"));
  config.snapshot_into = BOXLITE_TRY(parse_snapshot(*snapshot_into));
  config.awaits_claim = BOXLITE_TRY(fields.flag("awaits_claim"));
  const auto* machine = BOXLITE_TRY(fields.object("machine"));
  config.machine = BOXLITE_TRY_CONTEXT("shim config", parse_machine(*machine));
  const auto* network = BOXLITE_TRY(fields.object("network"));
  config.network = BOXLITE_TRY_CONTEXT("shim config", parse_network_config(*network));
  config.folders = BOXLITE_TRY(parse_array(fields, "folders", parse_folder));
  const auto* owner = BOXLITE_TRY(fields.object("folder_owner"));
  config.folder_owner = BOXLITE_TRY_CONTEXT("shim config", parse_folder_owner(*owner));
  config.host_sockets = BOXLITE_TRY(parse_array(fields, "host_sockets", parse_path));
  const auto* engine = BOXLITE_TRY(fields.object("engine"));
  config.engine = BOXLITE_TRY(parse_engine(*engine));
  config.fileserver = BOXLITE_TRY(fields.text("fileserver"));
  config.configure_request = BOXLITE_TRY(fields.bytes("configure_request"));
  config.start_container_request = BOXLITE_TRY(fields.bytes("start_container_request"));
  config.main_request = BOXLITE_TRY(fields.bytes("main_request"));
  config.client_starts_main = BOXLITE_TRY(fields.flag("client_starts_main"));
  config.log_file_bytes = BOXLITE_TRY(fields.number("log_file_bytes", 4096, 1ull << 40));
  config.log_files = BOXLITE_TRY(fields.number("log_files", 1, 100));
  const auto* health = BOXLITE_TRY(fields.object("health"));
  config.health = BOXLITE_TRY_CONTEXT("shim config", parse_health(*health));
  config.auto_stop = BOXLITE_TRY(parse_duration(fields, "auto_stop_ms"));
  config.is_maintenance = BOXLITE_TRY(fields.flag("is_maintenance"));
  config.is_disposable = BOXLITE_TRY(fields.flag("is_disposable"));
  const auto restart = BOXLITE_TRY(fields.text("restart"));
  config.restart.mode = BOXLITE_TRY_CONTEXT("shim config: restart", model::parse<RestartMode>(restart));
  config.restart.max_retries =
      static_cast<unsigned>(BOXLITE_TRY(fields.number("restart_limit", 0, UINT32_MAX)));
  config.boot_timeout = BOXLITE_TRY(parse_duration(fields, "boot_timeout_ms"));
  config.stop_grace = BOXLITE_TRY(parse_duration(fields, "stop_grace_ms"));
  config.stop_signal = static_cast<int>(BOXLITE_TRY(fields.number("stop_signal", 1, 64)));
  config.is_detached = BOXLITE_TRY(fields.flag("is_detached"));
  config.console_log_bytes = BOXLITE_TRY(fields.number("console_log_bytes", 4096, 1u << 30));
  BOXLITE_TRY(fields.no_others());
  if (!config.box_dir.is_absolute()) {
    return fail(ErrorCode::invalid_argument,
                concat("shim config: box_dir ", in_quotes(config.box_dir.native()), " is not absolute"));
  }
  return config;
}

}  // namespace boxlite::shimlink
