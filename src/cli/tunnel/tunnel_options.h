// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boxlite/network.hpp>

#include "cli/ending.h"

namespace boxlite::cli {

// "5432", or "/run/db.sock": a port or a unix socket of the box itself.
Parsed<TunnelTarget> parse_tunnel_target(std::string_view text);

// Where connections on this host are waited for.
struct ListenAddress {
  std::string address = {};    // an IP address
  std::uint16_t port = 0;      // 0: chosen
  std::string unix_path = {};  // or this, absolute
};

// "[ADDRESS:]PORT", with an IPv6 address in brackets, or "/run/db.sock".
Parsed<ListenAddress> parse_listen_address(std::string_view text);

// "127.0.0.1:8080", "[::1]:8080" or "/run/db.sock"
std::string listen_text(const ListenAddress& address);

}  // namespace boxlite::cli
