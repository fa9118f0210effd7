// SPDX-License-Identifier: Apache-2.0
#include "cli/tunnel/tunnel_options.h"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "cli/options/port_options.h"

namespace boxlite::cli {

namespace {

constexpr std::string_view any_local = "127.0.0.1";

bool is_ip_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  return ::inet_pton(AF_INET, text.c_str(), binary.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), binary.data()) == 1;
}

std::unexpected<Ending> wrong_listen(std::string_view text, std::string_view why) {
  return usage_error(fmt::format("--listen \"{}\": {}", text, why),
                     "write [ADDRESS:]PORT or an absolute path, as in 8080, [::1]:0 or /tmp/db.sock");
}

}  // namespace

Parsed<TunnelTarget> parse_tunnel_target(std::string_view text) {
  if (text.starts_with('/')) return TunnelTarget{.unix_path = std::string(text)};
  const auto port = parse_port(text);
  if (port && *port != 0) return TunnelTarget{.port = *port};
  return usage_error(
      fmt::format("target \"{}\": neither a port (1 to 65535) nor an absolute path of a unix socket", text),
      "name what listens in the box itself, as in 5432 or /run/db.sock");
}

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.starts_with('/')) return ListenAddress{.unix_path = std::string(text)};
  ListenAddress place{.address = std::string(any_local)};
  const auto colon = text.rfind(':');
  const bool has_address = colon != std::string_view::npos;
  const auto port = parse_port(has_address ? text.substr(colon + 1) : text);
  if (!port) return wrong_listen(text, "the port is not 0 to 65535");
  place.port = *port;
  if (!has_address) return place;
  auto address = text.substr(0, colon);
  const bool is_v6 = address.starts_with('[') && address.ends_with(']');
  if (is_v6) address = address.substr(1, address.size() - 2);
  place.address = address;
  if (is_v6 != place.address.contains(':') || !is_ip_address(place.address))
    return wrong_listen(text, "what stands before the port is no IP address");
  return place;
}

std::string listen_text(const ListenAddress& place) {
  if (!place.unix_path.empty()) return place.unix_path;
  const bool is_v6 = place.address.contains(':');
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", place.address, is_v6 ? "]" : "", place.port);
}

}  // namespace boxlite::cli
