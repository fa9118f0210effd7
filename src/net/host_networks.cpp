// SPDX-License-Identifier: Apache-2.0
#include "net/host_networks.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace boxlite::net {
namespace {

// Some news may get lost: that there were any is told all the same.
constexpr int news_size = 4096;
constexpr int v6_network_bits = 64;

UniqueFd open_news() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (!socket.is_open() ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &news_size, sizeof news_size);
  return socket;
}

std::optional<netpolicy::IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
    return std::nullopt;
  sockaddr_storage storage{};
  std::memcpy(&storage, address, address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  return netpolicy::IpAddress::from_sockaddr(storage);
}

void add_interface(const ifaddrs& interface, std::vector<netpolicy::Cidr>& networks) {
  const bool is_shared = (interface.ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) == 0;
  const auto address = address_of(interface.ifa_addr);
  const auto netmask = address_of(interface.ifa_netmask);
  if (!address || !netmask) return;
  if (const auto network = neighbourhood_of(*address, *netmask, is_shared)) networks.push_back(*network);
  if ((interface.ifa_flags & IFF_POINTOPOINT) == 0) return;
  const auto peer = address_of(interface.ifa_dstaddr);
  if (peer && peer->scope() == netpolicy::Scope::global) networks.emplace_back(*peer);
}

std::vector<netpolicy::Cidr> read_networks() {
  std::vector<netpolicy::Cidr> networks;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return networks;
  for (const auto* one = first; one != nullptr; one = one->ifa_next) add_interface(*one, networks);
  ::freeifaddrs(first);
  return networks;
}

}  // namespace

std::optional<netpolicy::Cidr> neighbourhood_of(const netpolicy::IpAddress& address,
                                                const netpolicy::IpAddress& netmask, bool is_shared) {
  if (address.scope() != netpolicy::Scope::global || netmask.is_v6() != address.is_v6()) return std::nullopt;
  int prefix = 0;
  for (const auto byte : netmask.bytes()) prefix += std::popcount(byte);
  if (prefix == 0) return std::nullopt;
  if (is_shared && address.is_v6()) prefix = std::min(prefix, v6_network_bits);
  return netpolicy::Cidr(address, prefix);
}

HostNetworks::HostNetworks() : changes_(open_news()), networks_(read_networks()) {}

bool HostNetworks::has_changed() {
  if (!changes_.is_open()) return true;
  bool has_news = false;
  char byte = 0;
  while (::recv(changes_.get(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS ||
         errno == EINTR)
    has_news = true;
  return has_news;
}

std::optional<netpolicy::Cidr> HostNetworks::find(const netpolicy::IpAddress& given) {
  const auto address = given.canonical();
  if (address.scope() != netpolicy::Scope::global) return std::nullopt;
  if (has_changed()) networks_ = read_networks();
  const auto found = std::ranges::find_if(
      networks_, [&](const netpolicy::Cidr& network) { return network.contains(address); });
  return found == networks_.end() ? std::nullopt : std::optional(*found);
}

}  // namespace boxlite::net
