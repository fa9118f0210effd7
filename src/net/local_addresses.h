// SPDX-License-Identifier: Apache-2.0
// The addresses of wire/network_plan.h as values.
#pragma once

#include "net/link/frame.h"
#include "netpolicy/address.h"
#include "wire/network_plan.h"

namespace boxlite::net {

inline constexpr std::uint16_t dns_port = 53;
inline constexpr std::uint8_t icmp_echo = 8;
inline constexpr std::uint8_t icmp_v6_echo = 128;

inline const netpolicy::IpAddress guest_v4 = *netpolicy::IpAddress::from_bytes(wire::guest_v4);
inline const netpolicy::IpAddress guest_v6 = netpolicy::IpAddress::v6(wire::guest_v6);
inline const netpolicy::IpAddress gateway_v4 = *netpolicy::IpAddress::from_bytes(wire::gateway_v4);
inline const netpolicy::IpAddress gateway_v6 = netpolicy::IpAddress::v6(wire::gateway_v6);
inline const netpolicy::IpAddress host_v4 = *netpolicy::IpAddress::from_bytes(wire::host_v4);
inline const netpolicy::IpAddress host_v6 = netpolicy::IpAddress::v6(wire::host_v6);
// Where slirp is led with connections for a StreamHandler. The guest cannot reach it by itself.
inline const Endpoint inspection_end{netpolicy::IpAddress::v4(0xc0a87f04), 1};

inline bool is_guest(const netpolicy::IpAddress& address) {
  return address == guest_v4 || address == guest_v6;
}
inline bool is_gateway(const netpolicy::IpAddress& address) {
  return address == gateway_v4 || address == gateway_v6;
}
inline bool is_host_alias(const netpolicy::IpAddress& address) {
  return address == host_v4 || address == host_v6;
}
inline bool is_broadcast(const netpolicy::IpAddress& address) {
  return address.is_v4() && (address.v4_number() == 0xffffffff || address.v4_number() == 0xc0a87fff);
}
// On the cable, where nobody is but the guest and us.
inline bool is_on_link(const netpolicy::IpAddress& address) {
  return netpolicy::Cidr(gateway_v4, wire::v4_prefix).contains(address) ||
         netpolicy::Cidr(gateway_v6, wire::v6_prefix).contains(address);
}

}  // namespace boxlite::net
