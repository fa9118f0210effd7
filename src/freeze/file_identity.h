// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"
#include "freeze/process_image.h"

namespace boxlite::freeze {

// What tells one version of a file from the next.
Result<FileIdentity> identify_file(const std::filesystem::path& path);

}  // namespace boxlite::freeze
