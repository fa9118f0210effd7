// SPDX-License-Identifier: Apache-2.0
#include "cli/output/output_json.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cli/output/json_text.h"
#include "model/fields/images.h"
#include "model/fields/runtime.h"

namespace boxlite::cli {

namespace {

Json box_row(const BoxInfo& box) {
  return {{"id", box.id},
          {"name", shown(OrNull{box.spec.name})},
          {"status", name(box.status)},
          {"health", name(box.health.status)},
          {"labels", shown(AsObject{box.spec.labels})},
          {"image", box.spec.image},
          {"command", box.spec.command},
          {"created_at", shown(OrNull{box.created_at})},
          {"started_at", shown(OrNull{box.started_at})},
          {"stopped_at", shown(OrNull{box.stopped_at})},
          {"exit_code", shown(box.exit_code)},
          {"failure", shown(OrNull{box.failure})},
          {"pid", shown(box.shim_pid)},
          {"cpus", box.spec.cpus},
          {"memory_mib", box.spec.memory_mib},
          {"disk_size_gib", box.spec.disk_size_gib},
          {"disk_bytes", box.disk_bytes}};
}

Json image_row(const ImageInfo& image) {
  return {{"reference", image.reference},
          {"id", image.id},
          {"manifest_digest", image.manifest_digest},
          {"platform", image.platform},
          {"created_at", shown(OrNull{image.created_at})},
          {"pulled_at", shown(OrNull{image.pulled_at})},
          {"size_bytes", image.size_bytes},
          {"layer_count", image.layer_count}};
}

Json host_object(const HostReport& host) {
  Json object = {{"usable", host.is_usable()}};
  object.update(shown(host));
  return object;
}

}  // namespace

std::string boxes_json(const std::vector<BoxInfo>& boxes) {
  return json_document(json_list(boxes, box_row));
}

std::string images_json(const std::vector<ImageInfo>& images) {
  return json_document(json_list(images, image_row));
}

std::string volumes_json(const std::vector<VolumeInfo>& volumes) {
  return json_document(shown(volumes));
}

std::string disk_usage_json(const DiskUsage& usage) {
  return json_document(shown(usage));
}

std::string machines_json(const std::vector<SavedMachine>& machines) {
  return json_document(shown(machines));
}

std::string prune_json(const PruneReport& report, bool is_dry_run) {
  Json object = {{"dry_run", is_dry_run}};
  object.update(shown(report));
  return json_document(object);
}

std::string version_json(const Version& version) {
  return json_document(shown(version));
}

std::string doctor_json(const HostReport& report) {
  return json_document(host_object(report));
}

std::string installation_json(const Installation& installation) {
  Json statuses = {{"total", installation.boxes.size()}};
  for (const auto status : model::values<BoxStatus>()) {
    statuses[std::string(name(status))] = std::ranges::count(installation.boxes, status, &BoxInfo::status);
  }
  auto host = host_object(installation.host);
  host.erase("checks");
  std::uint64_t image_bytes = 0;
  for (const auto& image : installation.images) image_bytes += image.size_bytes;
  auto object = shown(installation.version);
  object["home"] = installation.home;
  object["host"] = std::move(host);
  object["boxes"] = std::move(statuses);
  object["images"] = {{"total", installation.images.size()}, {"size_bytes", image_bytes}};
  return json_document(object);
}

}  // namespace boxlite::cli
