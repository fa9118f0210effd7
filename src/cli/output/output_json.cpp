// SPDX-License-Identifier: Apache-2.0
#include "cli/output/output_json.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

// Keeps the order in which members are set.
using Json = nlohmann::ordered_json;

std::string written(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

template <typename T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json variables(const std::vector<EnvironmentVariable>& all) {
  Json list = Json::array();
  for (const auto& [name, value] : all) list.push_back(fmt::format("{}={}", name, value));
  return list;
}

Json object_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json object = Json::object();
  for (const auto& [key, value] : pairs) object[key] = value;
  return object;
}

Json box_row(const BoxInfo& box) {
  return {{"id", box.id},
          {"name", text_or_null(box.spec.name)},
          {"status", name(box.status)},
          {"health", name(box.health.status)},
          {"labels", object_of(box.spec.labels)},
          {"image", box.spec.image},
          {"command", box.spec.command},
          {"created_at", text_or_null(box.created_at)},
          {"started_at", text_or_null(box.started_at)},
          {"stopped_at", text_or_null(box.stopped_at)},
          {"exit_code", value_or_null(box.exit_code)},
          {"failure", text_or_null(box.failure)},
          {"pid", value_or_null(box.shim_pid)},
          {"cpus", box.spec.cpus},
          {"memory_mib", box.spec.memory_mib},
          {"disk_size_gib", box.spec.disk_size_gib},
          {"disk_bytes", box.disk_bytes}};
}

Json health(const HealthReport& report) {
  if (report.status == HealthStatus::none) return nullptr;
  return {{"Status", name(report.status)},
          {"FailingStreak", report.failures},
          {"LastOutput", report.last_output}};
}

Json disk(const DiskReport& report) {
  return {{"Errors", report.errors},
          {"LastError", text_or_null(report.last_error)},
          {"ReadOnly", report.is_read_only}};
}

Json ulimits(const std::vector<Ulimit>& all) {
  const auto bound = [](std::uint64_t value) { return value == unlimited ? Json(-1) : Json(value); };
  Json list = Json::array();
  for (const auto& limit : all) {
    list.push_back({{"Name", limit.name}, {"Soft", bound(limit.soft)}, {"Hard", bound(limit.hard)}});
  }
  return list;
}

Json box_state(const BoxInfo& box) {
  return {{"Status", name(box.status)},
          {"Running", box.status == BoxStatus::running},
          {"Paused", box.status == BoxStatus::paused},
          {"Restarting", box.status == BoxStatus::restarting},
          {"Pid", value_or_null(box.shim_pid)},
          {"VmmPid", value_or_null(box.vmm_pid)},
          {"ExitCode", value_or_null(box.exit_code)},
          {"OOMKilled", box.oom_killed},
          {"Error", box.failure},
          {"RestartCount", box.restart_count},
          {"Health", health(box.health)},
          {"Disk", disk(box.disk)},
          {"StartedAt", text_or_null(box.started_at)},
          {"FinishedAt", text_or_null(box.stopped_at)}};
}

// Docker's form, a set: {"80/tcp": {}}.
Json exposed_ports(const std::vector<ExposedPort>& all) {
  Json object = Json::object();
  for (const auto& port : all) object[fmt::format("{}/{}", port.port, name(port.protocol))] = Json::object();
  return object;
}

Json extra_hosts(const std::vector<HostEntry>& all) {
  Json list = Json::array();
  for (const auto& host : all) list.push_back(fmt::format("{}:{}", host.name, host.address));
  return list;
}

Json box_config(const BoxSpec& spec) {
  const auto stop_timeout_ms = spec.stop_timeout ? Json(spec.stop_timeout->count()) : Json(nullptr);
  return {{"Image", spec.image},
          {"Platform", text_or_null(spec.platform)},
          {"Hostname", spec.hostname},
          {"User", spec.user},
          {"WorkingDir", spec.working_dir},
          {"OpenStdin", spec.use_stdin},
          {"Tty", spec.terminal},
          {"Env", variables(spec.env)},
          {"StopSignal", text_or_null(spec.stop_signal)},
          {"StopTimeoutMs", stop_timeout_ms},
          {"Entrypoint", value_or_null(spec.entrypoint)},
          {"Cmd", spec.command},
          {"ExposedPorts", exposed_ports(spec.network.exposed)},
          {"Labels", object_of(spec.labels)}};
}

Json box_host_config(const BoxSpec& spec) {
  return {
      {"Cpus", spec.cpus},
      {"MemoryMiB", spec.memory_mib},
      {"RestartPolicy", {{"Name", name(spec.restart.mode)}, {"MaximumRetryCount", spec.restart.max_retries}}},
      {"DiskSizeGiB", spec.disk_size_gib},
      {"AutoRemove", spec.auto_remove},
      {"Detach", spec.detach},
      {"Privileged", spec.privileged},
      {"Init", spec.init},
      {"Systemd", spec.systemd},
      {"PublishAllPorts", spec.network.publish_exposed},
      {"ExtraHosts", extra_hosts(spec.network.hosts)},
      {"Dns", spec.network.dns.servers},
      {"DnsSearch", spec.network.dns.search},
      {"DnsOptions", spec.network.dns.options},
      {"CapAdd", spec.capabilities.add},
      {"CapDrop", spec.capabilities.drop},
      {"ReadonlyRootfs", spec.read_only},
      {"ShmSize", spec.shm_bytes},
      {"FolderOwner", spec.folder_owner},
      {"Ulimits", ulimits(spec.ulimits)},
      {"AutoStopMs", spec.auto_stop.count()},
      {"AutoDeleteMs", spec.auto_delete.count()},
      {"StartTimeoutMs", spec.start_timeout.count()}};
}

Json mounts(const std::vector<Mount>& all) {
  Json list = Json::array();
  for (const auto& mount : all) {
    Json entry = {{"Type", name(mount.type)}};
    if (mount.type == MountType::volume) entry["Name"] = mount.source;
    if (mount.type == MountType::bind || mount.type == MountType::socket) entry["Source"] = mount.source;
    entry["Destination"] = mount.target;
    entry["RW"] = !mount.read_only;
    list.push_back(std::move(entry));
  }
  return list;
}

Json stages(const std::vector<StartStage>& all) {
  Json list = Json::array();
  for (const auto& stage : all) {
    list.push_back(
        {{"Name", stage.name}, {"Milliseconds", static_cast<double>(stage.duration.count()) / 1000}});
  }
  return list;
}

Json port_list(const std::vector<PublishedPort>& all) {
  Json list = Json::array();
  for (const auto& port : all) {
    list.push_back({{"HostIp", port.host_address},
                    {"HostPort", port.host_port},
                    {"BoxPort", port.box_port},
                    {"Protocol", name(port.protocol)}});
  }
  return list;
}

Json network(const BoxInfo& box) {
  const auto& spec = box.spec.network;
  return {{"Mode", spec.is_enabled ? "enabled" : "none"},
          {"Allow", spec.allow},
          {"Deny", spec.deny},
          {"Ask", spec.ask},
          {"Publish", port_list(spec.ports)},
          {"Ports", port_list(box.ports)},
          {"SendLimitKbit", spec.send_limit_kbit},
          {"ReceiveLimitKbit", spec.receive_limit_kbit}};
}

// What may be told; the value is not even here.
Json secrets(const std::vector<Secret>& all) {
  Json list = Json::array();
  for (const auto& secret : all) {
    const auto placeholder =
        secret.placeholder.empty() ? "<BOXLITE_SECRET:" + secret.name + ">" : secret.placeholder;
    list.push_back({{"Name", secret.name}, {"Hosts", secret.hosts}, {"Placeholder", placeholder}});
  }
  return list;
}

Json box_document(const BoxInfo& box) {
  return {{"Id", box.id},
          {"Name", box.spec.name},
          {"Created", text_or_null(box.created_at)},
          {"Image", text_or_null(box.image_digest)},
          {"State", box_state(box)},
          {"Config", box_config(box.spec)},
          {"HostConfig", box_host_config(box.spec)},
          {"Network", network(box)},
          {"Secrets", secrets(box.spec.secrets)},
          {"Mounts", mounts(box.spec.mounts)},
          {"Accelerator", text_or_null(box.accelerator)},
          {"KernelRelease", text_or_null(box.kernel_release)},
          {"DiskBytes", box.disk_bytes},
          {"Directory", box.directory.string()},
          {"StartStages", stages(box.start_stages)}};
}

Json image_row(const ImageInfo& image) {
  return {{"reference", image.reference},
          {"id", image.id},
          {"manifest_digest", image.manifest_digest},
          {"platform", image.platform},
          {"created_at", text_or_null(image.created_at)},
          {"pulled_at", text_or_null(image.pulled_at)},
          {"size_bytes", image.size_bytes},
          {"layer_count", image.layer_count}};
}

Json image_document(const ImageInfo& image) {
  return {{"Id", image.id},
          {"Reference", image.reference},
          {"Digest", image.manifest_digest},
          {"Platform", image.platform},
          {"Created", text_or_null(image.created_at)},
          {"Pulled", text_or_null(image.pulled_at)},
          {"Size", image.size_bytes},
          {"Config",
           {{"Entrypoint", image.entrypoint},
            {"Cmd", image.command},
            {"Env", image.env},
            {"WorkingDir", image.working_dir},
            {"User", image.user},
            {"Labels", object_of(image.labels)}}},
          {"Layers", image.layer_digests}};
}

Json host_object(const HostReport& host) {
  return {{"usable", host.is_usable()},
          {"accelerator", name(host.accelerator)},
          {"accelerator_reason", host.accelerator_reason},
          {"qemu_version", text_or_null(host.qemu_version)},
          {"qemu_path", text_or_null(host.qemu_path.string())},
          {"kernel_path", text_or_null(host.kernel_path.string())},
          {"host_kernel", host.host_kernel},
          {"architecture", host.architecture},
          {"cpus", host.cpus},
          {"memory_bytes", host.memory_bytes},
          {"free_disk_bytes", host.free_disk_bytes},
          {"cgroup_version", host.cgroup_version},
          {"user_namespaces", host.has_user_namespaces}};
}

template <typename T>
std::string list_of(const std::vector<T>& all, Json (*convert)(const T&)) {
  Json list = Json::array();
  for (const auto& one : all) list.push_back(convert(one));
  return written(list);
}

}  // namespace

std::string boxes_json(const std::vector<BoxInfo>& boxes) {
  return list_of(boxes, box_row);
}

std::string boxes_inspect_json(const std::vector<BoxInfo>& boxes) {
  return list_of(boxes, box_document);
}

std::string images_json(const std::vector<ImageInfo>& images) {
  return list_of(images, image_row);
}

std::string images_inspect_json(const std::vector<ImageInfo>& images) {
  return list_of(images, image_document);
}

std::string volumes_json(const std::vector<VolumeInfo>& volumes) {
  Json list = Json::array();
  for (const auto& volume : volumes) {
    list.push_back({{"Name", volume.name},
                    {"CreatedAt", volume.created_at},
                    {"Anonymous", volume.is_anonymous},
                    {"Mountpoint", volume.directory.native()},
                    {"Boxes", volume.used_by}});
  }
  return written(list);
}

std::string disk_usage_json(const DiskUsage& usage) {
  const auto part = [](const SpaceUse& use) {
    return Json{{"count", use.count},
                {"active", use.active},
                {"bytes", use.bytes},
                {"reclaimable_bytes", use.reclaimable_bytes}};
  };
  return written({{"images", part(usage.images)},
                  {"disks", part(usage.disks)},
                  {"boxes", part(usage.boxes)},
                  {"logs", part(usage.logs)},
                  {"volumes", part(usage.volumes)}});
}

std::string machines_json(const std::vector<SavedMachine>& machines) {
  Json list = Json::array();
  for (const auto& machine : machines) {
    list.push_back({{"Id", machine.id},
                    {"HasImage", machine.has_image},
                    {"IsFrozen", machine.is_frozen},
                    {"UsedAt", machine.used_at},
                    {"Size", machine.bytes},
                    {"Ready", machine.ready}});
  }
  return written(list);
}

std::string prune_json(const PruneReport& report, bool is_dry_run) {
  return written({{"dry_run", is_dry_run}, {"removed", report.removed}, {"freed_bytes", report.freed_bytes}});
}

std::string version_json(const Version& version) {
  return written({{"version", version.boxlite}, {"commit", text_or_null(version.commit)}});
}

std::string doctor_json(const HostReport& report) {
  Json json = host_object(report);
  Json checks = Json::array();
  for (const auto& check : report.checks) {
    checks.push_back({{"name", check.name},
                      {"status", name(check.status)},
                      {"detail", check.detail},
                      {"remedy", text_or_null(check.remedy)}});
  }
  json["checks"] = std::move(checks);
  return written(json);
}

std::string installation_json(const Installation& installation) {
  Json statuses = {{"total", installation.boxes.size()}};
  for (const auto status : model::values<BoxStatus>()) {
    statuses[std::string(name(status))] = std::ranges::count(installation.boxes, status, &BoxInfo::status);
  }
  std::uint64_t image_bytes = 0;
  for (const auto& image : installation.images) image_bytes += image.size_bytes;
  return written({{"version", installation.version.boxlite},
                  {"commit", text_or_null(installation.version.commit)},
                  {"home", installation.home},
                  {"host", host_object(installation.host)},
                  {"boxes", std::move(statuses)},
                  {"images", {{"total", installation.images.size()}, {"size_bytes", image_bytes}}}});
}

}  // namespace boxlite::cli
