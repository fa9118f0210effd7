// SPDX-License-Identifier: Apache-2.0
#include "box/spec/network.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/concat.h"
#include "netpolicy/address.h"
#include "netpolicy/policy.h"
#include "netpolicy/rule.h"
#include "wire/network_plan.h"

namespace boxlite::box {
namespace {

constexpr std::size_t most_ports = 256;
constexpr std::uint64_t most_kbit = UINT32_MAX;

// Two spellings of one address are one, and that of all addresses takes the port of each.
bool is_one_place(std::string_view one, std::string_view other) {
  const auto a = netpolicy::IpAddress::parse(one), b = netpolicy::IpAddress::parse(other);
  if (!a || !b || a->is_v6() != b->is_v6()) return false;
  const auto any = *netpolicy::IpAddress::parse(a->is_v6() ? "::" : "0.0.0.0");
  return *a == *b || *a == any || *b == any;
}

bool collide(const PublishedPort& one, const PublishedPort& other) {
  return one.host_port != 0 && one.host_port == other.host_port && one.protocol == other.protocol &&
         is_one_place(one.host_address, other.host_address);
}

constexpr std::size_t most_hosts = 256;
constexpr std::size_t most_name_servers = 8;
constexpr std::size_t most_resolver_words = 16;
constexpr std::size_t longest_resolver_word = 64;
constexpr std::string_view host_gateway = "host-gateway";

std::unexpected<Error> refuse_value(std::string_view what, std::string_view value, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              concat(what, " ", excerpt_in_quotes(value), " is not valid: ", why));
}

bool is_name_of_host(std::string_view name) {
  const auto normal = netpolicy::normal_name(name);
  return normal == netpolicy::host_alias_name || normal == netpolicy::docker_alias_name;
}

Result<void> check(const HostEntry& host, bool has_network) {
  if (!netpolicy::is_host_name(host.name))
    return refuse_value("host", host.name, "write letters, digits, \"-\", \"_\" and \".\"");
  if (host.address == host_gateway) {
    if (has_network) return {};
    return refuse_value("host", host.name, "a box without a network cannot reach its host");
  }
  if (!netpolicy::IpAddress::parse(host.address))
    return refuse_value(concat("host ", in_quotes(host.name), ": address"), host.address,
                        "write an IPv4 or IPv6 address, or host-gateway");
  if (is_name_of_host(host.name))
    return refuse_value(concat("host ", in_quotes(host.name), ": address"), host.address,
                        "this name is the host's, and rules mean the host by it; choose another name");
  return {};
}

bool is_resolver_word(std::string_view word) {
  const auto is_bad = [](char c) { return c <= ' ' || c >= 0x7f || c == '#' || c == ';'; };
  return !word.empty() && word.size() <= longest_resolver_word && std::ranges::none_of(word, is_bad);
}

Result<void> check(const DnsSettings& dns) {
  if (dns.servers.size() > most_name_servers || dns.search.size() > most_resolver_words ||
      dns.options.size() > most_resolver_words) {
    return fail(ErrorCode::invalid_argument, concat("dns: at most ", most_name_servers, " servers, and ",
                                                    most_resolver_words, " search domains and options"));
  }
  for (const auto& server : dns.servers) {
    if (!netpolicy::IpAddress::parse(server))
      return refuse_value("dns server", server, "write an IPv4 or IPv6 address");
  }
  for (const auto& domain : dns.search) {
    if (domain != "." && !netpolicy::is_host_name(domain))
      return refuse_value("dns search domain", domain, "it is no domain");
  }
  for (const auto& option : dns.options) {
    if (!is_resolver_word(option))
      return refuse_value("dns option", option, "write it as in resolv.conf, ndots:2");
  }
  return {};
}

Result<void> check_names(const NetworkSpec& network) {
  if (network.hosts.size() > most_hosts)
    return fail(ErrorCode::invalid_argument, concat("network: at most ", most_hosts, " hosts are allowed"));
  for (const auto& host : network.hosts) BOXLITE_TRY(check(host, network.is_enabled));
  for (const auto& port : network.exposed) {
    if (port.port == 0) return fail(ErrorCode::invalid_argument, "expose: the port must be 1 to 65535");
  }
  return check(network.dns);
}

// Of an image, where anything may be written: what is no port exposes none.
std::optional<ExposedPort> parse_exposed(std::string_view text) {
  ExposedPort exposed;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exposed.port);
  const std::string_view rest(end, text.data() + text.size());
  if (error != std::errc() || exposed.port == 0) return std::nullopt;
  if (!rest.empty() && rest != "/tcp" && rest != "/udp") return std::nullopt;
  if (rest == "/udp") exposed.protocol = PortProtocol::udp;
  return exposed;
}

std::string address_of(const HostEntry& host) {
  return host.address == host_gateway ? std::string(wire::host_v4_text) : host.address;
}

// As it was written, but without the root's dot, which no program looks for in a hosts file; and in lower
// case, for C libraries that compare letter by letter.
void add_names(const HostEntry& entry, wire::msg::HostEntry& host) {
  std::string_view written = entry.name;
  if (written.ends_with('.')) written.remove_suffix(1);
  host.add_names(std::string(written));
  if (auto normal = netpolicy::normal_name(written); normal != written) host.add_names(std::move(normal));
}

}  // namespace

Result<void> check(const PublishedPort& port) {
  if (!netpolicy::IpAddress::parse(port.host_address))
    return fail(ErrorCode::invalid_argument,
                concat("port: ", excerpt_in_quotes(port.host_address),
                       " is not an address of the host: write an IPv4 or IPv6 address"));
  if (port.box_port == 0) return fail(ErrorCode::invalid_argument, "port: the box's port must be 1 to 65535");
  return {};
}

Result<void> check(const NetworkSpec& network) {
  const bool is_empty = network.ports.empty() && network.allow.empty() && network.deny.empty() &&
                        !network.ask && !network.publish_exposed && network.dns == DnsSettings();
  if (!network.is_enabled && !is_empty)
    return fail(ErrorCode::invalid_argument,
                "network: a box without one has no ports, no rules and no name servers");
  BOXLITE_TRY(check_names(network));
  if (network.ports.size() > most_ports)
    return fail(ErrorCode::invalid_argument, concat("network: at most ", most_ports, " ports are allowed"));
  BOXLITE_TRY(wanted_ports(network, {}));
  for (auto port = network.ports.begin(); port != network.ports.end(); ++port) {
    BOXLITE_TRY(check(*port));
    if (std::any_of(network.ports.begin(), port, [&](const auto& other) { return collide(other, *port); }))
      return fail(Error(ErrorCode::invalid_argument,
                        concat("port ", port->host_port, " of the host is published twice"))
                      .with_remedy("choose another port or another address for one of them"));
  }
  if (network.send_limit_kbit > most_kbit || network.receive_limit_kbit > most_kbit)
    return fail(ErrorCode::invalid_argument, concat("network: a limit is at most ", most_kbit, " kbit/s"));
  BOXLITE_TRY(netpolicy::Policy::create({.is_enabled = network.is_enabled,
                                         .allow = network.allow,
                                         .deny = network.deny,
                                         .is_asking = network.ask}));
  return {};
}

shimlink::PortMapping to_mapping(const PublishedPort& port) {
  return {.host_address = port.host_address,
          .host_port = port.host_port,
          .box_port = port.box_port,
          .is_udp = port.protocol == PortProtocol::udp};
}

PublishedPort to_published(const shimlink::PortMapping& port) {
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

Result<std::vector<PublishedPort>> wanted_ports(const NetworkSpec& network,
                                                const std::vector<std::string>& exposed_by_image) {
  auto ports = network.ports;
  if (!network.publish_exposed) return ports;
  auto exposed = network.exposed;
  for (const auto& text : exposed_by_image) {
    if (const auto port = parse_exposed(text)) exposed.push_back(*port);
  }
  std::set<std::pair<std::uint16_t, PortProtocol>> led_to;
  for (const auto& port : ports) led_to.emplace(port.box_port, port.protocol);
  for (const auto& port : exposed) {
    if (led_to.emplace(port.port, port.protocol).second)
      ports.push_back({.box_port = port.port, .protocol = port.protocol});
  }
  if (ports.size() <= most_ports) return ports;
  return fail(Error(ErrorCode::invalid_argument,
                    concat("network: ", ports.size(), " ports are exposed and would be published, more than ",
                           most_ports))
                  .with_remedy("publish those that you need one by one: -p BOX_PORT, without -P"));
}

shimlink::NetworkConfig network_config(const NetworkSpec& network, const std::vector<PublishedPort>& ports,
                                       const std::vector<shimlink::PortMapping>& last) {
  shimlink::NetworkConfig config{.is_enabled = network.is_enabled,
                                 .allow = network.allow,
                                 .deny = network.deny,
                                 .is_asking = network.ask,
                                 .name_servers = network.dns.servers,
                                 .send_limit_kbit = network.send_limit_kbit,
                                 .receive_limit_kbit = network.receive_limit_kbit};
  for (const auto& host : network.hosts) config.hosts.push_back({host.name, address_of(host)});
  auto unused = last;
  for (const auto& port : ports) {
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
  for (const auto& entry : network.hosts) {
    auto& host = *request.add_hosts();
    host.set_address(address_of(entry));
    add_names(entry, host);
  }
  if (!network.is_enabled) return;
  for (const auto& domain : network.dns.search) {
    if (domain != ".") request.add_search(domain);
  }
  for (const auto& option : network.dns.options) request.add_resolver_options(option);
  request.add_nameservers(std::string(wire::gateway_v4_text));
  auto& host = *request.add_hosts();
  host.set_address(std::string(wire::host_v4_text));
  host.add_names(std::string(wire::host_name));
  host.add_names(std::string(wire::docker_host_name));
}

}  // namespace boxlite::box
