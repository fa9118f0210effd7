// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <boxlite/runtime.hpp>

#include "base/result.h"
#include "image/registry/registry_config.h"

namespace boxlite::local {

// What users say about registries, in the image store's words: a mirror becomes an entry of its own.
// invalid_argument.
Result<std::vector<image::RegistryConfig>> registry_configs(const std::vector<RegistryOptions>& options);

}  // namespace boxlite::local
