// SPDX-License-Identifier: Apache-2.0
#include "cli/output/inspect_json.h"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "cli/output/json_text.h"

namespace boxlite::cli {

namespace {

Json variables(const std::vector<EnvironmentVariable>& all) {
  Json list = Json::array();
  for (const auto& [name, value] : all) list.push_back(fmt::format("{}={}", name, value));
  return list;
}

Json health(const HealthReport& report) {
  if (report.status == HealthStatus::none) return nullptr;
  return {{"Status", name(report.status)},
          {"FailingStreak", report.failures},
          {"LastOutput", report.last_output}};
}

Json disk(const DiskReport& report) {
  return {{"Errors", report.errors},
          {"LastError", shown(OrNull{report.last_error})},
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
          {"Pid", shown(box.shim_pid)},
          {"VmmPid", shown(box.vmm_pid)},
          {"ExitCode", shown(box.exit_code)},
          {"OOMKilled", box.oom_killed},
          {"Error", box.failure},
          {"RestartCount", box.restart_count},
          {"Health", health(box.health)},
          {"Disk", disk(box.disk)},
          {"StartedAt", shown(OrNull{box.started_at})},
          {"FinishedAt", shown(OrNull{box.stopped_at})}};
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
          {"Platform", shown(OrNull{spec.platform})},
          {"Hostname", spec.hostname},
          {"User", spec.user},
          {"WorkingDir", spec.working_dir},
          {"OpenStdin", spec.use_stdin},
          {"Tty", spec.terminal},
          {"Env", variables(spec.env)},
          {"StopSignal", shown(OrNull{spec.stop_signal})},
          {"StopTimeoutMs", stop_timeout_ms},
          {"Entrypoint", shown(spec.entrypoint)},
          {"Cmd", spec.command},
          {"ExposedPorts", exposed_ports(spec.network.exposed)},
          {"Labels", shown(AsObject{spec.labels})}};
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
          {"Created", shown(OrNull{box.created_at})},
          {"Image", shown(OrNull{box.image_digest})},
          {"State", box_state(box)},
          {"Config", box_config(box.spec)},
          {"HostConfig", box_host_config(box.spec)},
          {"Network", network(box)},
          {"Secrets", secrets(box.spec.secrets)},
          {"Mounts", mounts(box.spec.mounts)},
          {"Accelerator", shown(OrNull{box.accelerator})},
          {"KernelRelease", shown(OrNull{box.kernel_release})},
          {"DiskBytes", box.disk_bytes},
          {"Directory", box.directory.string()},
          {"StartStages", stages(box.start_stages)}};
}

Json image_document(const ImageInfo& image) {
  return {{"Id", image.id},
          {"Reference", image.reference},
          {"Digest", image.manifest_digest},
          {"Platform", image.platform},
          {"Created", shown(OrNull{image.created_at})},
          {"Pulled", shown(OrNull{image.pulled_at})},
          {"Size", image.size_bytes},
          {"Config",
           {{"Entrypoint", image.entrypoint},
            {"Cmd", image.command},
            {"Env", image.env},
            {"WorkingDir", image.working_dir},
            {"User", image.user},
            {"Labels", shown(AsObject{image.labels})}}},
          {"Layers", image.layer_digests}};
}

Json volume_document(const VolumeInfo& volume) {
  return {{"Name", volume.name},
          {"CreatedAt", volume.created_at},
          {"Anonymous", volume.is_anonymous},
          {"Mountpoint", volume.directory.native()},
          {"Boxes", volume.used_by}};
}

}  // namespace

std::string boxes_inspect_json(const std::vector<BoxInfo>& boxes) {
  return json_document(json_list(boxes, box_document));
}

std::string images_inspect_json(const std::vector<ImageInfo>& images) {
  return json_document(json_list(images, image_document));
}

std::string volumes_inspect_json(const std::vector<VolumeInfo>& volumes) {
  return json_document(json_list(volumes, volume_document));
}

}  // namespace boxlite::cli
