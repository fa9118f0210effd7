// SPDX-License-Identifier: Apache-2.0
// What a box keeps of its image's config, so that it can be started again after the image was removed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/image_config.h"

namespace boxlite::box {

std::string to_json(const oci::ImageConfig& config);
// Only how to run it: entrypoint, cmd, env, working_dir, user, stop_signal, health.
Result<oci::ImageConfig> parse_kept_config(std::string_view kept);

}  // namespace boxlite::box
