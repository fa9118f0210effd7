// SPDX-License-Identifier: Apache-2.0
// What of the network a box has. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace boxlite {

enum class PortProtocol { tcp, udp };

// A port of the host that leads to one of the box.
struct PublishedPort {
  std::string host_address = "127.0.0.1";  // an address of the host; "0.0.0.0" and "::" are all of a family
  std::uint16_t host_port = 0;             // 0: chosen when the box starts; the last one again if it is free
  std::uint16_t box_port = 0;
  PortProtocol protocol = PortProtocol::tcp;
  bool operator==(const PublishedPort&) const = default;
};

struct NetworkSpec {
  // False: there is the loopback and nothing else; all that follows is empty then.
  bool is_enabled = true;
  // Rules ([tcp:|udp:]HOST[:PORTS]) of what may be reached; empty: all public addresses.
  std::vector<std::string> allow = {};
  // Of what may not, whatever `allow` says.
  std::vector<std::string> deny = {};
  // At most 256, each at another place of the host.
  std::vector<PublishedPort> ports = {};
  // Of all frames, in kbit/s; 0: no limit.
  std::uint64_t send_limit_kbit = 0;  // what the box may send
  std::uint64_t receive_limit_kbit = 0;
  bool operator==(const NetworkSpec&) const = default;
};

}  // namespace boxlite
