// SPDX-License-Identifier: Apache-2.0
#include "box/network.h"

#include <algorithm>

#include "base/concat.h"
#include "net/address.h"
#include "net/policy.h"
#include "wire/network_plan.h"

namespace boxlite::box {
namespace {

constexpr std::size_t most_ports = 256;
constexpr std::uint64_t most_kbit = UINT32_MAX;

bool collide(const PublishedPort& one, const PublishedPort& other) {
  return one.host_port != 0 && one.host_port == other.host_port && one.protocol == other.protocol &&
         one.host_address == other.host_address;
}

}  // namespace

Result<void> check(const PublishedPort& port) {
  if (!net::IpAddress::parse(port.host_address))
    return fail(ErrorCode::invalid_argument,
                concat("port: ", in_quotes(port.host_address), " is not an address of the host"));
  if (port.box_port == 0) return fail(ErrorCode::invalid_argument, "port: the box's port must be 1 to 65535");
  return {};
}

Result<void> check(const NetworkSpec& network) {
  const bool is_empty =
      network.ports.empty() && network.allow.empty() && network.deny.empty() && !network.ask;
  if (!network.is_enabled && !is_empty)
    return fail(ErrorCode::invalid_argument, "network: a box without one has no ports and no rules");
  if (network.ports.size() > most_ports)
    return fail(ErrorCode::invalid_argument, concat("network: at most ", most_ports, " ports are allowed"));
  for (auto port = network.ports.begin(); port != network.ports.end(); ++port) {
    BOXLITE_TRY(check(*port));
    if (std::any_of(network.ports.begin(), port, [&](const auto& other) { return collide(other, *port); }))
      return fail(ErrorCode::invalid_argument,
                  concat("port ", port->host_port, " of the host is published twice"));
  }
  if (network.send_limit_kbit > most_kbit || network.receive_limit_kbit > most_kbit)
    return fail(ErrorCode::invalid_argument, concat("network: a limit is at most ", most_kbit, " kbit/s"));
  BOXLITE_TRY(net::Policy::create({.is_enabled = network.is_enabled,
                                   .allow = network.allow,
                                   .deny = network.deny,
                                   .is_asking = network.ask}));
  return {};
}

vmm::PortMapping to_mapping(const PublishedPort& port) {
  return {.host_address = port.host_address,
          .host_port = port.host_port,
          .box_port = port.box_port,
          .is_udp = port.protocol == PortProtocol::udp};
}

PublishedPort to_published(const vmm::PortMapping& port) {
  return {.host_address = port.host_address,
          .host_port = port.host_port,
          .box_port = port.box_port,
          .protocol = port.is_udp ? PortProtocol::udp : PortProtocol::tcp};
}

bool is_same_port(const PublishedPort& wanted, const PublishedPort& actual) {
  return wanted.host_address == actual.host_address && wanted.box_port == actual.box_port &&
         wanted.protocol == actual.protocol &&
         (wanted.host_port == 0 || wanted.host_port == actual.host_port);
}

vmm::NetworkConfig network_config(const NetworkSpec& network, const std::vector<vmm::PortMapping>& last) {
  vmm::NetworkConfig config{.is_enabled = network.is_enabled,
                            .allow = network.allow,
                            .deny = network.deny,
                            .is_asking = network.ask,
                            .send_limit_kbit = network.send_limit_kbit,
                            .receive_limit_kbit = network.receive_limit_kbit};
  auto unused = last;
  for (const auto& port : network.ports) {
    auto& mapping = config.ports.emplace_back(to_mapping(port));
    const auto same =
        std::ranges::find_if(unused, [&](const auto& one) { return is_same_port(port, to_published(one)); });
    if (same == unused.end()) continue;
    if (port.host_port == 0) mapping.preferred_port = same->host_port;
    unused.erase(same);
  }
  return config;
}

void configure_network(const NetworkSpec& network, wire::msg::ConfigureRequest& request) {
  request.set_disable_network(!network.is_enabled);
  if (!network.is_enabled) return;
  request.add_nameservers(std::string(wire::gateway_v4_text));
  auto& host = *request.add_hosts();
  host.set_address(std::string(wire::host_v4_text));
  host.add_names(std::string(wire::host_name));
}

}  // namespace boxlite::box
