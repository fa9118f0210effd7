// SPDX-License-Identifier: Apache-2.0
#include "local/home/registries.h"

namespace boxlite::local {
namespace {

image::RegistryConfig own_config(const RegistryOptions& options) {
  image::RegistryConfig config;
  config.host = options.host;
  if (options.insecure_http) config.transport = image::Transport::http;
  config.skip_verify = options.skip_verify;
  config.search = options.search;
  if (!options.token.empty()) {
    config.auth.kind = image::RegistryAuth::Kind::bearer;
    config.auth.token = options.token;
  } else if (!options.username.empty()) {
    config.auth.kind = image::RegistryAuth::Kind::basic;
    config.auth.username = options.username;
    config.auth.password = options.password;
  }
  return config;
}

image::RegistryConfig mirror_config(const RegistryOptions& options) {
  image::RegistryConfig config;
  const auto slash = options.mirror.find('/');
  config.host = options.mirror.substr(0, slash);
  if (slash != std::string::npos) config.path_prefix = options.mirror.substr(slash + 1);
  config.mirror_of = options.host;
  if (options.insecure_http) config.transport = image::Transport::http;
  config.skip_verify = options.skip_verify;
  return config;
}

}  // namespace

Result<std::vector<image::RegistryConfig>> registry_configs(const std::vector<RegistryOptions>& options) {
  std::vector<image::RegistryConfig> configs;
  for (const auto& registry : options) {
    if (!registry.mirror.empty()) configs.push_back(mirror_config(registry));
    configs.push_back(own_config(registry));
  }
  BOXLITE_TRY(image::check(configs));
  return configs;
}

}  // namespace boxlite::local
