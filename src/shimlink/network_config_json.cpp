// SPDX-License-Identifier: Apache-2.0
#include "shimlink/network_config_json.h"

#include <limits>

#include "base/hex.h"
#include "json/fields.h"

namespace boxlite::shimlink {
namespace {

using nlohmann::json;

constexpr auto any_port = std::numeric_limits<std::uint16_t>::max();
constexpr auto any_rate = std::numeric_limits<std::uint32_t>::max();

Result<std::uint16_t> parse_port(json_::Fields& fields, const char* key) {
  return static_cast<std::uint16_t>(BOXLITE_TRY(fields.number(key, 0, any_port)));
}

json rule_list(const std::vector<std::string>& texts) {
  auto list = json::array();
  for (const auto& text : texts) list.push_back({{"rule", text}});
  return list;
}

Result<std::vector<std::string>> parse_rules(json_::Fields& fields, const char* key) {
  const auto* array = BOXLITE_TRY(fields.array(key));
  std::vector<std::string> rules;
  for (const auto& element : *array) {
    json_::Fields entry(element, "rule");
    rules.push_back(BOXLITE_TRY(entry.text("rule")));
  }
  return rules;
}

}  // namespace

json to_object(const PortMapping& port) {
  return {{"host_address", port.host_address},
          {"host_port", port.host_port},
          {"box_port", port.box_port},
          {"is_udp", port.is_udp},
          {"preferred_port", port.preferred_port}};
}

json to_object(const SecretConfig& secret) {
  return {{"name", secret.name},
          {"value", to_hex(secret.value)},
          {"hosts", rule_list(secret.hosts)},
          {"placeholder", secret.placeholder}};
}

json to_object(const NetworkConfig& network) {
  auto ports = json::array();
  auto secrets = json::array();
  auto hosts = json::array();
  for (const auto& host : network.hosts) hosts.push_back({{"name", host.name}, {"address", host.address}});
  for (const auto& secret : network.secrets) secrets.push_back(to_object(secret));
  for (const auto& port : network.ports) ports.push_back(to_object(port));
  return {{"is_enabled", network.is_enabled},
          {"allow", rule_list(network.allow)},
          {"deny", rule_list(network.deny)},
          {"is_asking", network.is_asking},
          {"ports", std::move(ports)},
          {"hosts", std::move(hosts)},
          {"name_servers", rule_list(network.name_servers)},
          {"send_limit_kbit", network.send_limit_kbit},
          {"receive_limit_kbit", network.receive_limit_kbit},
          {"secrets", std::move(secrets)},
          {"secret_authorities", to_hex(network.secret_authorities)}};
}

Result<PortMapping> parse_port_mapping(const json& object) {
  json_::Fields fields(object, "port");
  PortMapping port;
  port.host_address = BOXLITE_TRY(fields.text("host_address"));
  port.host_port = BOXLITE_TRY(parse_port(fields, "host_port"));
  port.box_port = BOXLITE_TRY(parse_port(fields, "box_port"));
  port.is_udp = BOXLITE_TRY(fields.flag("is_udp"));
  port.preferred_port = BOXLITE_TRY(parse_port(fields, "preferred_port"));
  BOXLITE_TRY(fields.no_others());
  return port;
}

Result<SecretConfig> parse_secret_config(const json& object) {
  json_::Fields fields(object, "secret");
  SecretConfig secret;
  secret.name = BOXLITE_TRY(fields.text("name"));
  secret.value = BOXLITE_TRY(fields.bytes("value"));
  secret.hosts = BOXLITE_TRY(parse_rules(fields, "hosts"));
  secret.placeholder = BOXLITE_TRY(fields.text("placeholder"));
  BOXLITE_TRY(fields.no_others());
  return secret;
}

Result<HostName> parse_host_name(const json& object) {
  json_::Fields fields(object, "host");
  HostName host;
  host.name = BOXLITE_TRY(fields.text("name"));
  host.address = BOXLITE_TRY(fields.text("address"));
  BOXLITE_TRY(fields.no_others());
  return host;
}

Result<NetworkConfig> parse_network_config(const json& object) {
  json_::Fields fields(object, "network");
  NetworkConfig network;
  network.is_enabled = BOXLITE_TRY(fields.flag("is_enabled"));
  network.allow = BOXLITE_TRY(parse_rules(fields, "allow"));
  network.deny = BOXLITE_TRY(parse_rules(fields, "deny"));
  network.is_asking = BOXLITE_TRY(fields.flag("is_asking"));
  const auto* ports = BOXLITE_TRY(fields.array("ports"));
  for (const auto& port : *ports) network.ports.push_back(BOXLITE_TRY(parse_port_mapping(port)));
  const auto* hosts = BOXLITE_TRY(fields.array("hosts"));
  for (const auto& host : *hosts) network.hosts.push_back(BOXLITE_TRY(parse_host_name(host)));
  network.name_servers = BOXLITE_TRY(parse_rules(fields, "name_servers"));
  network.send_limit_kbit = BOXLITE_TRY(fields.number("send_limit_kbit", 0, any_rate));
  network.receive_limit_kbit = BOXLITE_TRY(fields.number("receive_limit_kbit", 0, any_rate));
  const auto* secrets = BOXLITE_TRY(fields.array("secrets"));
  for (const auto& secret : *secrets) network.secrets.push_back(BOXLITE_TRY(parse_secret_config(secret)));
  network.secret_authorities = BOXLITE_TRY(fields.bytes("secret_authorities"));
  BOXLITE_TRY(fields.no_others());
  return network;
}

}  // namespace boxlite::shimlink
