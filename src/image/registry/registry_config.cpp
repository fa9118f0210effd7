// SPDX-License-Identifier: Apache-2.0
#include "image/registry/registry_config.h"

#include "base/concat.h"
#include "oci/reference.h"

namespace boxlite::image {
namespace {

// A host is legal when it is one in an image name, so the reference grammar decides.
bool is_host(const std::string& host) {
  if (host.find('/') != std::string::npos) return false;
  if (host.find_first_of(".:") == std::string::npos && host != "localhost") return false;
  const auto reference = oci::Reference::parse(concat(host, "/x"));
  return reference && reference->registry_is_explicit();
}

bool is_path_prefix(const std::string& prefix) {
  return prefix.empty() || oci::Reference::parse(concat("localhost/", prefix)).has_value();
}

}  // namespace

Result<void> check(const std::vector<RegistryConfig>& registries) {
  for (const auto& registry : registries) {
    const auto what = concat("registry ", in_quotes(registry.host));
    if (!is_host(registry.host)) {
      return fail(ErrorCode::invalid_argument,
                  concat(what, ": expected host[:port] without a scheme or path"));
    }
    if (!registry.mirror_of.empty() && !is_host(registry.mirror_of)) {
      return fail(ErrorCode::invalid_argument,
                  concat(what, ": it mirrors ", in_quotes(registry.mirror_of), ", which is no host name"));
    }
    if (!is_path_prefix(registry.path_prefix)) {
      return fail(ErrorCode::invalid_argument,
                  concat(what, ": the path prefix ", in_quotes(registry.path_prefix),
                         " is not the beginning of a repository name"));
    }
    if (registry.auth.kind == RegistryAuth::Kind::bearer && registry.auth.token.empty()) {
      return fail(ErrorCode::invalid_argument, concat(what, ": bearer authentication needs a token"));
    }
  }
  return {};
}

}  // namespace boxlite::image
