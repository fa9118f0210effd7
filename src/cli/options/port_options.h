// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/network.hpp>

#include "cli/ending.h"

namespace boxlite::cli {

// "0" to "65535", and nothing else.
std::optional<std::uint16_t> parse_port(std::string_view text);

// "-p [IP:][HOST:]BOX[/tcp|udp]", where HOST and BOX are ports or ranges of one length. An IPv6 address
// stands in brackets.
Parsed<std::vector<PublishedPort>> parse_publish(std::string_view text);

// "--expose PORT[-PORT][/tcp|udp]"
Parsed<std::vector<ExposedPort>> parse_expose(std::string_view text);

// "[::1]" as "::1".
std::string_view without_brackets(std::string_view address);

// "127.0.0.1:8080->80/tcp"
std::string port_text(const PublishedPort& port);

}  // namespace boxlite::cli
