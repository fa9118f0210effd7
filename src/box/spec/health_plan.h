// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/box_spec.hpp>

#include "oci/image_config.h"
#include "shimlink/health_rule.h"

namespace boxlite::box {

// The user's health check over the image's, by Docker's rules and with its defaults. Pure.
shimlink::HealthRule health_rule(const BoxSpec& spec, const oci::ImageConfig& image);

}  // namespace boxlite::box
