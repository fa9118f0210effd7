// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace boxlite::shimlink {

// A port of the host that leads to one of a box.
struct PortMapping {
  std::string host_address = {};
  std::uint16_t host_port = 0;  // 0: any that is free
  std::uint16_t box_port = 0;
  bool is_udp = false;
  std::uint16_t preferred_port = 0;  // with host_port 0: tried first

  bool operator==(const PortMapping&) const = default;
};

// What is put into the box's connections to these hosts. The value is on no disk but the owner's own.
struct SecretConfig {
  std::string name = {};
  std::string value = {};
  std::vector<std::string> hosts = {};
  std::string placeholder = {};

  bool operator==(const SecretConfig&) const = default;
};

// A name that the spec told the box of.
struct HostName {
  std::string name = {};
  std::string address = {};  // as text

  bool operator==(const HostName&) const = default;
};

// What the shim lets a box have of the network.
struct NetworkConfig {
  bool is_enabled = true;
  std::vector<std::string> allow = {};
  std::vector<std::string> deny = {};
  bool is_asking = false;
  std::vector<PortMapping> ports = {};
  std::vector<HostName> hosts = {};
  std::vector<std::string> name_servers = {};  // asked in place of the host's own; addresses as text
  std::uint64_t send_limit_kbit = 0;           // 0: none
  std::uint64_t receive_limit_kbit = 0;
  std::vector<SecretConfig> secrets = {};
  std::string secret_authorities = {};  // certificates (PEM), trusted besides the system's

  bool operator==(const NetworkConfig&) const = default;
};

}  // namespace boxlite::shimlink
