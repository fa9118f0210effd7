// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::oci {

// One image in the manifest.json of `docker save`. Paths are names inside the archive, not yet trusted.
struct DockerArchiveImage {
  std::string config_path;
  std::vector<std::string> repo_tags = {};
  std::vector<std::string> layer_paths = {};  // bottom first
};

Result<std::vector<DockerArchiveImage>> parse_docker_archive_manifest(std::string_view json);

}  // namespace boxlite::oci
