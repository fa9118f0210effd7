// SPDX-License-Identifier: Apache-2.0
// Included by *_json.cpp only.
#pragma once

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "shimlink/network_config.h"

namespace boxlite::shimlink {

nlohmann::json to_object(const NetworkConfig& network);
nlohmann::json to_object(const PortMapping& port);
Result<NetworkConfig> parse_network_config(const nlohmann::json& object);
Result<PortMapping> parse_port_mapping(const nlohmann::json& object);

}  // namespace boxlite::shimlink
