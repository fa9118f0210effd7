// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "netpolicy/address.h"

namespace boxlite::net {

// The networks of the host's own interfaces, as far as their addresses look public: who is there is a
// neighbour (or the host itself) all the same. In IPv6 that is every network. One thread.
class HostNetworks {
 public:
  HostNetworks();

  // The network that the address lies in; nullopt: in none of them. Follows the host's interfaces: a change
  // is seen by the next call, and costs nothing until then.
  std::optional<netpolicy::Cidr> find(const netpolicy::IpAddress& address);

 private:
  bool has_changed();

  UniqueFd changes_;  // tells of them
  std::vector<netpolicy::Cidr> networks_;
};

// For the address of an interface with this netmask. nullopt: it has no neighbours that look public.
// `is_shared`: others are on its cable; there, the address of IPv6 that a server handed out has no netmask of
// its network, which has 64 bits.
std::optional<netpolicy::Cidr> neighbourhood_of(const netpolicy::IpAddress& address,
                                                const netpolicy::IpAddress& netmask, bool is_shared);

}  // namespace boxlite::net
