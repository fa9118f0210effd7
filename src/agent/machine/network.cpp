// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/network.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/unique_fd.h"
#include "wire/network_plan.h"

namespace boxlite::agent {
namespace {

using Bytes = std::span<const std::uint8_t>;

// One rtnetlink request: a header, the message's own structure, attributes.
class Request {
 public:
  template <typename Body>
  Request(std::uint16_t type, std::uint16_t flags, const Body& body)
      : bytes_(NLMSG_LENGTH(sizeof body), '\0') {
    const nlmsghdr header{.nlmsg_len = 0,
                          .nlmsg_type = type,
                          .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags),
                          .nlmsg_seq = 1,
                          .nlmsg_pid = 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &body, sizeof body);
  }

  Request& add(std::uint16_t type, Bytes value) {
    const rtattr head{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size())), .rta_type = type};
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
    return *this;
  }
  Request& add(std::uint16_t type, std::uint32_t number) {
    return add(type, {reinterpret_cast<const std::uint8_t*>(&number), sizeof number});
  }

  std::string_view finish() {
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof size);
    return bytes_;
  }

 private:
  std::string bytes_;
};

class Netlink {
 public:
  static Result<Netlink> open() {
    UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.is_open()) return fail(syscall_error("socket", "netlink", errno));
    return Netlink(std::move(socket));
  }

  Result<void> ask(std::string_view what, Request& request) const {
    const auto bytes = request.finish();
    if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0)
      return fail(syscall_error("netlink", what, errno));
    struct {
      nlmsghdr header;
      nlmsgerr error;
      char quoted[512];
    } answer = {};
    if (::recv(socket_.get(), &answer, sizeof answer, 0) < 0)
      return fail(syscall_error("netlink", what, errno));
    if (answer.header.nlmsg_type != NLMSG_ERROR || answer.error.error == 0) return {};
    return fail(syscall_error("netlink", what, -answer.error.error));
  }

 private:
  explicit Netlink(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

Result<void> set_link(const Netlink& netlink, const char* name, bool is_up,
                      std::optional<std::uint32_t> mtu) {
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(::if_nametoindex(name));
  if (link.ifi_index == 0) return fail(syscall_error("find interface", name, errno));
  link.ifi_flags = is_up ? IFF_UP : 0;
  link.ifi_change = IFF_UP;
  Request request(RTM_NEWLINK, 0, link);
  if (mtu) request.add(IFLA_MTU, *mtu);
  return netlink.ask(concat(is_up ? "bring up " : "take down ", name), request);
}

struct Family {
  std::uint8_t number;
  std::uint8_t prefix;
  Bytes guest;
  Bytes gateway;
  Bytes host;
};

constexpr Family families[] = {
    {AF_INET, wire::v4_prefix, wire::guest_v4, wire::gateway_v4, wire::host_v4},
    {AF_INET6, wire::v6_prefix, wire::guest_v6, wire::gateway_v6, wire::host_v6},
};

Result<void> set_address(const Netlink& netlink, unsigned index, const Family& family) {
  ifaddrmsg address{};
  address.ifa_family = family.number;
  address.ifa_prefixlen = family.prefix;
  address.ifa_scope = RT_SCOPE_UNIVERSE;
  address.ifa_index = index;
  // Nobody else is on the link: the address need not be looked for first.
  address.ifa_flags = IFA_F_NODAD;
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
  request.add(IFA_LOCAL, family.guest).add(IFA_ADDRESS, family.guest);
  return netlink.ask("set address", request);
}

// So that nobody asks for it first.
Result<void> set_neighbour(const Netlink& netlink, unsigned index, const Family& family, Bytes neighbour) {
  ndmsg entry{};
  entry.ndm_family = family.number;
  entry.ndm_ifindex = static_cast<int>(index);
  entry.ndm_state = NUD_PERMANENT;
  Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, entry);
  request.add(NDA_DST, neighbour).add(NDA_LLADDR, wire::gateway_mac);
  return netlink.ask("set neighbour", request);
}

// To one address on the link, or with a gateway to all that are not.
Result<void> set_route(const Netlink& netlink, unsigned index, const Family& family, Bytes to,
                       Bytes gateway) {
  rtmsg route{};
  route.rtm_family = family.number;
  route.rtm_dst_len = static_cast<std::uint8_t>(to.size() * 8);
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_BOOT;
  route.rtm_scope = gateway.empty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
  if (!to.empty()) request.add(RTA_DST, to);
  if (!gateway.empty()) request.add(RTA_GATEWAY, gateway);
  struct Metric {
    rtattr head;
    std::uint32_t value;
  };
  const Metric segment{{.rta_len = sizeof(Metric), .rta_type = RTAX_ADVMSS}, wire::asked_segment};
  request.add(RTA_OIF, index);
  request.add(RTA_METRICS, {reinterpret_cast<const std::uint8_t*>(&segment), sizeof segment});
  return netlink.ask("set route", request);
}

// There is no router to be heard from, and no need for a link-local address.
void silence_v6() {
  for (const char* setting : {"accept_ra", "autoconf", "accept_dad"}) {
    const UniqueFd file(
        ::open(concat("/proc/sys/net/ipv6/conf/eth0/", setting).c_str(), O_WRONLY | O_CLOEXEC));
    if (file.is_open()) (void)!::write(file.get(), "0", 1);
  }
  const UniqueFd mode(::open("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", O_WRONLY | O_CLOEXEC));
  if (mode.is_open()) (void)!::write(mode.get(), "1", 1);
}

}  // namespace

Result<void> set_up_network() {
  const auto netlink = BOXLITE_TRY(Netlink::open());
  BOXLITE_TRY(set_link(netlink, "lo", true, std::nullopt));
  silence_v6();
  BOXLITE_TRY(set_link(netlink, "eth0", true, wire::link_mtu));
  const unsigned index = ::if_nametoindex("eth0");
  for (const auto& family : families) {
    BOXLITE_TRY(set_address(netlink, index, family));
    BOXLITE_TRY(set_neighbour(netlink, index, family, family.gateway));
    BOXLITE_TRY(set_neighbour(netlink, index, family, family.host));
    BOXLITE_TRY(set_route(netlink, index, family, family.host, {}));
    BOXLITE_TRY(set_route(netlink, index, family, {}, family.gateway));
  }
  return {};
}

Result<void> disable_network() {
  const auto netlink = BOXLITE_TRY(Netlink::open());
  return set_link(netlink, "eth0", false, std::nullopt);
}

}  // namespace boxlite::agent
