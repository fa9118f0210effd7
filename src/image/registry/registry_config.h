// SPDX-License-Identifier: Apache-2.0
// How to reach registries, as plain values that an embedding program or a config file fills in.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxlite::image {

// automatic: https; for a registry on the loopback address http when https fails, as Docker does.
enum class Transport { automatic, https, http };

struct RegistryAuth {
  // docker_config: what `docker login` (or podman login) stored, its helpers included; anonymous when there
  // is nothing.
  enum class Kind { docker_config, anonymous, basic, bearer };
  Kind kind = Kind::docker_config;
  std::string username = {};
  std::string password = {};
  std::string token = {};
};

struct RegistryConfig {
  // host[:port] as it stands in image names; no scheme, no path.
  std::string host;
  // Not empty: this host is a mirror, asked before the registry of that name ("docker.io") for its images.
  std::string mirror_of = {};
  // Put before every repository on this server: with "docker-remote", library/alpine is asked for as
  // docker-remote/library/alpine.
  std::string path_prefix = {};
  Transport transport = Transport::automatic;
  // Accept any TLS certificate.
  bool skip_verify = false;
  // PEM file with the authorities to trust instead of the system's.
  std::string ca_file = {};
  // Unqualified names ("alpine") are looked for here, in the order of the list, before docker.io.
  bool search = false;
  RegistryAuth auth = {};
};

// invalid_argument names the entry and what is wrong with it.
Result<void> check(const std::vector<RegistryConfig>& registries);

}  // namespace boxlite::image
