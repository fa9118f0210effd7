// SPDX-License-Identifier: Apache-2.0
#include "box/spec/secrets.h"

#include <algorithm>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "netpolicy/policy.h"
#include "netpolicy/secret.h"

namespace boxlite::box {
namespace {

constexpr std::size_t longest_file = netpolicy::most_secrets * (2 * netpolicy::longest_secret + 256);

netpolicy::SecretSpec to_spec(const Secret& secret) {
  return {.name = secret.name, .hosts = secret.hosts, .placeholder = secret.placeholder};
}

// Without its port. A suffix stands for a name below it.
std::string sample_name(std::string_view host) {
  if (host.starts_with("tcp:")) host.remove_prefix(4);
  const auto name = netpolicy::normal_name(host.substr(0, host.find(':')));
  return name.starts_with("*.") ? concat("name", name.substr(1)) : name;
}

Result<void> check_hosts(const BoxSpec& spec) {
  const auto policy = BOXLITE_TRY(netpolicy::Policy::create(
      {.is_enabled = spec.network.is_enabled, .allow = spec.network.allow, .deny = spec.network.deny}));
  for (const auto& secret : spec.secrets) {
    for (const auto& host : secret.hosts) {
      const auto verdict = policy->admit_name(sample_name(host));
      if (verdict.is_allowed()) continue;
      return fail(Error(ErrorCode::invalid_argument,
                        concat("secret ", in_quotes(secret.name), ": the network rules refuse its host ",
                               in_quotes(host), ": ", verdict.reason))
                      .with_remedy("allow the host as well: a secret opens nothing by itself"));
    }
  }
  return {};
}

}  // namespace

Result<void> check_secrets(const BoxSpec& spec) {
  if (!spec.secret_authorities.empty() && !spec.secret_authorities.is_absolute()) {
    return fail(ErrorCode::invalid_argument,
                concat("secret_authorities ", in_quotes(spec.secret_authorities.native()),
                       " is not an absolute path"));
  }
  std::vector<netpolicy::SecretSpec> specs;
  for (const auto& secret : spec.secrets) {
    specs.push_back(to_spec(secret));
    BOXLITE_TRY(netpolicy::Secret::create(specs.back(), netpolicy::SecretValue(secret.value)));
  }
  BOXLITE_TRY(netpolicy::SecretSet::check(specs));
  if (spec.secrets.empty()) return {};
  if (!spec.network.is_enabled) {
    return fail(ErrorCode::invalid_argument, "secrets: a box without a network has no use for them");
  }
  return check_hosts(spec);
}

std::vector<EnvironmentVariable> secret_variables(const std::vector<Secret>& secrets) {
  std::vector<EnvironmentVariable> variables;
  for (const auto& secret : secrets) {
    variables.emplace_back(
        netpolicy::secret_variable(secret.name),
        secret.placeholder.empty() ? netpolicy::default_placeholder(secret.name) : secret.placeholder);
  }
  return variables;
}

Result<void> keep_secret_values(const std::filesystem::path& file, const std::vector<Secret>& secrets) {
  if (secrets.empty()) return {};
  BOXLITE_TRY(make_directories(file.parent_path()));
  auto text = secret_values_to_json(secrets);
  const ScopeExit clear([&] { netpolicy::wipe(text); });
  return write_file_atomic(file, text, 0600);
}

Result<std::vector<shimlink::SecretConfig>> load_secrets(const std::filesystem::path& file,
                                                         const std::vector<Secret>& secrets) {
  std::vector<shimlink::SecretConfig> loaded;
  if (secrets.empty()) return loaded;
  auto text = BOXLITE_TRY_CONTEXT("read the box's secrets", boxlite::read_file(file, longest_file));
  const ScopeExit clear([&] { netpolicy::wipe(text); });
  auto values = BOXLITE_TRY(parse_secret_values(text));
  for (const auto& secret : secrets) {
    const auto value = std::ranges::find(values, secret.name, [](const auto& pair) { return pair.first; });
    if (value == values.end()) {
      return fail(Error(ErrorCode::corrupted, concat("the value of secret ", in_quotes(secret.name),
                                                     " is gone from ", in_quotes(file.native())))
                      .with_remedy("make the box anew"));
    }
    loaded.push_back({.name = secret.name,
                      .value = std::move(value->second),
                      .hosts = secret.hosts,
                      .placeholder = secret.placeholder});
  }
  return loaded;
}

}  // namespace boxlite::box
