// SPDX-License-Identifier: Apache-2.0
// What `inspect` prints: it has the shape of Docker's, which scripts know. Bytes that are not UTF-8 become
// U+FFFD. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include <boxlite/runtime.hpp>

namespace boxlite::cli {

std::string boxes_inspect_json(const std::vector<BoxInfo>& boxes);
std::string images_inspect_json(const std::vector<ImageInfo>& images);
std::string volumes_inspect_json(const std::vector<VolumeInfo>& volumes);

}  // namespace boxlite::cli
