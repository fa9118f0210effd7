// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netpolicy/address.h"

namespace boxlite::netpolicy {

enum class Protocol : std::uint8_t { tcp, udp, icmp };
std::string_view name(Protocol protocol);

// What the guest wants to reach. A TCP connection, or the datagrams between two pairs of address and port.
struct Flow {
  Protocol protocol = Protocol::tcp;
  // What would be dialled. For the host alias that is the host's loopback address.
  IpAddress destination = {};
  std::uint16_t port = 0;  // 0 for icmp
  // That our DNS gave the guest for this address (NameTable::names), lower-case, without a final dot.
  std::vector<std::string> names = {};
  // The address of ours that stands for the host (host.boxlite.internal), when the guest used that.
  std::optional<IpAddress> host_alias = {};
  // The host's own network that it lies in (HostNetworks::find), though its address looks public.
  std::optional<Cidr> neighbourhood = {};
};

}  // namespace boxlite::netpolicy
