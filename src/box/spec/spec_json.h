// SPDX-License-Identifier: Apache-2.0
// Specs and start stages as the JSON text that the database keeps. Written by this version, read by older and
// newer ones: unknown fields are ignored, missing ones have their defaults.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box.hpp>

#include "base/result.h"

namespace boxlite::box {

std::string to_json(const BoxSpec& spec);
// corrupted when a field has a wrong type.
Result<BoxSpec> parse_box_spec(std::string_view json);

std::string to_json(const std::vector<StartStage>& stages);
// What cannot be read is left out: stages are only shown.
std::vector<StartStage> parse_stages(std::string_view json);

}  // namespace boxlite::box
