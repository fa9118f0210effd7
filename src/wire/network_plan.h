// SPDX-License-Identifier: Apache-2.0
// The network that every box sees: its own, and the same for all, so that a machine can be saved with its
// addresses set and go on as any box. Numbers are in network order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace boxlite::wire {

using MacAddress = std::array<std::uint8_t, 6>;
using V4Address = std::array<std::uint8_t, 4>;
using V6Address = std::array<std::uint8_t, 16>;

inline constexpr std::string_view guest_mac_text = "5a:94:ef:e4:0c:ee";
inline constexpr MacAddress guest_mac{0x5a, 0x94, 0xef, 0xe4, 0x0c, 0xee};
inline constexpr MacAddress gateway_mac{0x5a, 0x94, 0xef, 0xe4, 0x0c, 0xdd};

// 192.168.127.0/24
inline constexpr int v4_prefix = 24;
inline constexpr V4Address guest_v4{192, 168, 127, 2};
inline constexpr V4Address gateway_v4{192, 168, 127, 1};  // and DNS
inline constexpr V4Address host_v4{192, 168, 127, 254};   // the host's loopback
inline constexpr std::string_view gateway_v4_text = "192.168.127.1";
inline constexpr std::string_view host_v4_text = "192.168.127.254";
inline constexpr std::string_view host_name = "host.boxlite.internal";
inline constexpr std::string_view docker_host_name =
    "host.docker.internal";  // the same, for what knows Docker's

// fd5a:94ef:e40c::/64
constexpr V6Address v6_of(std::uint8_t high, std::uint8_t low) {
  return {0xfd, 0x5a, 0x94, 0xef, 0xe4, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, high, low};
}
inline constexpr int v6_prefix = 64;
inline constexpr V6Address guest_v6 = v6_of(0, 2);
inline constexpr V6Address gateway_v6 = v6_of(0, 1);
inline constexpr V6Address host_v6 = v6_of(2, 0x54);  // fd5a:94ef:e40c::254

// The link is a socket, not a cable: with frames this large a TCP stream takes a fortieth of the frames.
inline constexpr std::uint32_t link_mtu = 65'520;
// What the guest asks others to send in one segment. slirp keeps 128 KiB that are not acknowledged: of
// segments as large as the link allows that would be two, and it would wait more than it sends.
inline constexpr std::uint32_t asked_segment = 16'344;

}  // namespace boxlite::wire
