// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/archive/archive.h"

namespace boxlite::image {

// "debian" for "/tmp/debian.tar.gz"; empty when nothing of a legal name is left.
std::string name_from_file(const std::filesystem::path& source);

// One entry per name that the images will have in the store: `name` for the only (selected) image, else the
// archive's own names, a bare tag behind `file_name`.
Result<std::vector<CatalogEntry>> name_images(std::vector<FoundImage> images, std::string_view file_name,
                                              std::string_view select, std::string_view name);

}  // namespace boxlite::image
