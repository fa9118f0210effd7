// SPDX-License-Identifier: Apache-2.0
// The machine-readable output, with the names of the C++ API. Bytes that are not UTF-8 become U+FFFD.
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include <boxlite/runtime.hpp>

#include "cli/ending.h"

namespace boxlite::cli {

std::string boxes_json(const std::vector<BoxInfo>& boxes);
std::string images_json(const std::vector<ImageInfo>& images);
std::string volumes_json(const std::vector<VolumeInfo>& volumes);
std::string disk_usage_json(const DiskUsage& usage);
std::string machines_json(const std::vector<SavedMachine>& machines);
std::string prune_json(const PruneReport& report, bool is_dry_run);
std::string version_json(const Version& version);
std::string doctor_json(const HostReport& report);

// What `info` shows.
struct Installation {
  Version version;
  std::string home;
  HostReport host;
  std::vector<BoxInfo> boxes;
  std::vector<ImageInfo> images;
};
std::string installation_json(const Installation& installation);

// "{{.State.Status}}" for each element of the JSON list, one line each; {{json .Config}} prints JSON.
Parsed<std::string> render_template(const std::string& pattern, const std::string& json_list);

enum class OutputFormat { table, json };

}  // namespace boxlite::cli
