// SPDX-License-Identifier: Apache-2.0
#include "net/host_networks.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/files.h"
#include "net/dns/dns_server.h"
#include "net/gateway.h"
#include "net/test_guest.h"

namespace boxlite::net {
namespace {

netpolicy::IpAddress address(std::string_view text) {
  return *netpolicy::IpAddress::parse(text);
}

TEST(HostNetworks, HaveTheBitsOfTheNetmask) {
  EXPECT_EQ(neighbourhood_of(address("203.0.113.5"), address("255.255.255.0"), true),
            netpolicy::Cidr::parse("203.0.113.0/24"));
  EXPECT_EQ(neighbourhood_of(address("2001:db8:1::5"), address("ffff:ffff:ffff::"), true),
            netpolicy::Cidr::parse("2001:db8:1::/48"));
  EXPECT_EQ(neighbourhood_of(address("203.0.113.5"), address("255.255.255.255"), true),
            netpolicy::Cidr::parse("203.0.113.5"));
  EXPECT_EQ(neighbourhood_of(address("10.1.2.3"), address("255.0.0.0"), true), std::nullopt)
      << "private anyway";
  EXPECT_EQ(neighbourhood_of(address("203.0.113.5"), address("0.0.0.0"), true), std::nullopt)
      << "not all of the world";
}

TEST(HostNetworks, HaveNeighboursWhereAServerHandsOutAddresses) {
  const auto all = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(neighbourhood_of(address("2001:db8:1::5"), all, true), netpolicy::Cidr::parse("2001:db8:1::/64"));
  EXPECT_EQ(neighbourhood_of(address("2001:db8:1::5"), all, false), netpolicy::Cidr::parse("2001:db8:1::5"));
}

// Of the loopback interface of this namespace.
bool set_v4(const char* text, const char* mask) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  const auto set = [&](unsigned long what, const char* value) {
    sockaddr_storage storage;
    address(value).to_sockaddr(0, storage);
    std::memcpy(&request.ifr_addr, &storage, sizeof request.ifr_addr);
    return ::ioctl(socket, what, &request) == 0;
  };
  const bool is_done = set(SIOCSIFADDR, text) && set(SIOCSIFNETMASK, mask);
  ::close(socket);
  return is_done;
}

bool set_v6(const char* text, std::uint32_t prefix) {
  const int socket = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  in6_ifreq request{};
  std::memcpy(&request.ifr6_addr, address(text).bytes().data(), sizeof request.ifr6_addr);
  request.ifr6_prefixlen = prefix;
  request.ifr6_ifindex = static_cast<int>(::if_nametoindex("lo"));
  const bool is_done = ::ioctl(socket, SIOCSIFADDR, &request) == 0;
  ::close(socket);
  return is_done;
}

bool is_refused(HostNetworks& networks, const netpolicy::IpAddress& neighbour) {
  const auto loop = *linux_::EventLoop::create();
  const auto directory = *TempDir::create("/tmp", "networks-");
  TestGuest guest(*loop);
  const auto gateway = *Gateway::create(*loop, guest.take_link(), directory.path(),
                                        {.policy = *netpolicy::Policy::create({}), .networks = &networks});
  guest.send(TestPackets::tcp({.from = 4000, .to = {neighbour, 22}, .sequence = 1, .flags = TcpFlags::syn}));
  const auto decided = [&] { return gateway->counters().refusals + gateway->counters().connections; };
  while (decided() == 0 && *loop->run_once(Deadline::after(std::chrono::seconds(5)))) continue;
  return gateway->counters().refusals == 1;
}

bool is_withheld(HostNetworks& networks, std::string_view neighbour) {
  const auto loop = *linux_::EventLoop::create();
  const auto directory = *TempDir::create("/tmp", "networks-");
  const auto hosts = directory.path() / "hosts";
  std::ofstream(hosts) << neighbour << " neighbour.example\n";
  NameTable names;
  DnsServer server(*loop, names, nullptr, *netpolicy::Policy::create({}),
                   {.hosts_file = hosts, .networks = &networks});
  const DnsMessage query{
      .id = 1, .questions = {{.name = *DnsName::from_host_name("neighbour.example"), .type = dns_type::a}}};
  std::size_t answers = 1;
  server.answer(encode(query), DnsServer::Transport::udp,
                [&](const std::string& reply) { answers = parse_dns_message(reply)->answers.size(); });
  return answers == 0;
}

// In a process of its own: a namespace is for good. Says what is wrong.
const char* follow_interfaces() {
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return "no network namespace";
  HostNetworks networks;
  if (networks.find(address("203.0.113.9"))) return "a network that is not there";
  if (!set_v4("203.0.113.5", "255.255.255.0")) return "no IPv4 address can be set";
  if (networks.find(address("203.0.113.9")) != netpolicy::Cidr::parse("203.0.113.0/24"))
    return "no neighbour of IPv4";
  if (networks.find(address("::ffff:203.0.113.5")) != netpolicy::Cidr::parse("203.0.113.0/24"))
    return "not the host itself";
  if (!is_refused(networks, address("203.0.113.9"))) return "the gateway lets a box reach a neighbour";
  if (!is_withheld(networks, "203.0.113.9")) return "a name leads to a neighbour";
  if (is_withheld(networks, "203.0.114.1")) return "no name leads anywhere";
  if (networks.find(address("203.0.114.1"))) return "a stranger taken for a neighbour";
  if (!set_v6("2001:db8:7::1", 64)) return "no IPv6 address can be set";
  if (networks.find(address("2001:db8:7::99")) != netpolicy::Cidr::parse("2001:db8:7::/64"))
    return "no neighbour of IPv6";
  if (!set_v4("198.51.100.5", "255.255.255.0")) return "the address cannot be changed";
  if (networks.find(address("203.0.113.9"))) return "the old network";
  return "follows";
}

TEST(HostNetworks, FollowTheInterfaces) {
  EXPECT_EXIT(
      {
        std::fputs(follow_interfaces(), stderr);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "follows");
}

}  // namespace
}  // namespace boxlite::net
