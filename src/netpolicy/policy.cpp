// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/policy.h"

#include <algorithm>
#include <array>

#include "base/concat.h"

namespace boxlite::netpolicy {
namespace {

constexpr std::size_t most_rules = 1024;

// Where servers of many names share an address, and the name is in the first bytes that a client sends: the
// ports of HTTP and TLS, and those that large front ends serve beside them.
constexpr std::array<std::uint16_t, 15> web_ports = {80,   443,  2052, 2053, 2082, 2083, 2086, 2087,
                                                     2095, 2096, 8000, 8008, 8080, 8443, 8880};
bool is_web_port(std::uint16_t port) {
  return std::ranges::find(web_ports, port) != web_ports.end();
}

Result<std::vector<Rule>> parse_rules(const std::vector<std::string>& texts) {
  if (texts.size() > most_rules) {
    return fail(ErrorCode::invalid_argument,
                concat("network policy: ", texts.size(), " rules, more than ", most_rules));
  }
  std::vector<Rule> rules;
  for (const auto& text : texts) rules.push_back(BOXLITE_TRY(Rule::parse(text)));
  return rules;
}

Verdict allow(std::string rule, std::string reason) {
  return {Decision::allow, std::move(rule), std::move(reason)};
}
Verdict deny(std::string rule, std::string reason) {
  return {Decision::deny, std::move(rule), std::move(reason)};
}

bool is_never_reached(Scope scope) {
  return scope != Scope::global && scope != Scope::loopback && scope != Scope::private_range &&
         scope != Scope::cgnat;
}

using Rules = std::vector<Rule>;

const Rule* find_address_rule(const Rules& rules, const Flow& flow) {
  const auto fits = [&, address = flow.destination.canonical()](const Rule& rule) {
    return rule.fits(flow.protocol, flow.port) &&
           (rule.matches_address(address) || (flow.host_alias && rule.matches_address(*flow.host_alias)));
  };
  const auto found = std::ranges::find_if(rules, fits);
  return found == rules.end() ? nullptr : &*found;
}

const Rule* find_name_rule(const Rules& rules, const Flow& flow, std::string_view name) {
  const auto fits = [&](const Rule& rule) {
    return rule.fits(flow.protocol, flow.port) && rule.matches_name(name);
  };
  const auto found = std::ranges::find_if(rules, fits);
  return found == rules.end() ? nullptr : &*found;
}

// What only a rule for it opens; as public as the address of a neighbour may look.
Scope scope_of(const IpAddress& address, const std::optional<Cidr>& neighbourhood) {
  const auto scope = address.scope();
  return scope == Scope::global && neighbourhood ? Scope::private_range : scope;
}

// Whether it speaks of this address as of one of its neighbourhood.
bool names_inside(const Rule& rule, const IpAddress& address, const std::optional<Cidr>& neighbourhood) {
  if (!neighbourhood) return rule.names_address(address);
  const auto& range = rule.range();
  return range && range->contains(address) && neighbourhood->contains(range->first()) &&
         neighbourhood->contains(range->last());
}

// By its name, by its loopback address, or by our address for it; a range around that one is a neighbourhood.
bool names_host(const Rule& rule, const Flow& flow) {
  if (rule.names_address(flow.destination.canonical())) return true;
  if (rule.host() == Rule::Host::name) return rule.name() == host_alias_name;
  return rule.range() == Cidr(*flow.host_alias);
}

}  // namespace

std::string_view name(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp: return "tcp";
    case Protocol::udp: return "udp";
    case Protocol::icmp: return "icmp";
  }
  return "unknown";
}

std::string_view name(Decision decision) {
  switch (decision) {
    case Decision::allow: return "allow";
    case Decision::deny: return "deny";
    case Decision::inspect: return "inspect";
    case Decision::ask: return "ask";
  }
  return "unknown";
}

Result<std::shared_ptr<const Policy>> Policy::create(const PolicySpec& spec) {
  if (!spec.is_enabled && !(spec.allow.empty() && spec.deny.empty() && !spec.is_asking)) {
    return fail(ErrorCode::invalid_argument, "network policy: rules for a network that is off");
  }
  std::shared_ptr<Policy> policy(new Policy(spec));
  policy->allow_ = BOXLITE_TRY(parse_rules(spec.allow));
  policy->deny_ = BOXLITE_TRY(parse_rules(spec.deny));
  return std::shared_ptr<const Policy>(std::move(policy));
}

Verdict Policy::decide(const Flow& flow) const {
  if (!spec_.is_enabled) return deny({}, "the network is off");
  const auto scope = scope_of(flow.destination, flow.neighbourhood);
  if (is_never_reached(scope)) return deny({}, concat(name(scope), " addresses are always refused"));
  if (const auto* rule = find_address_rule(deny_, flow))
    return deny(rule->text(), "a rule denies the address");
  auto names = flow.names;
  if (flow.host_alias) names.emplace_back(host_alias_name);
  for (const auto& one : names) {
    if (const auto* rule = find_name_rule(deny_, flow, one))
      return deny(rule->text(), concat("a rule denies ", one));
  }
  return scope == Scope::global ? decide_public(flow) : decide_closed_scope(flow, scope);
}

// The host's own, its neighbours': neither "everything" nor a name, which its owner can point anywhere, opens
// it.
Verdict Policy::decide_closed_scope(const Flow& flow, Scope scope) const {
  const auto opens = [&](const Rule& rule) {
    if (!rule.fits(flow.protocol, flow.port)) return false;
    return flow.host_alias ? names_host(rule, flow)
                           : names_inside(rule, flow.destination.canonical(), flow.neighbourhood);
  };
  const auto found = std::ranges::find_if(allow_, opens);
  if (found != allow_.end()) return allow(found->text(), "a rule allows the address");
  if (flow.host_alias) return deny({}, concat("the host needs a rule of its own: ", host_alias_name));
  if (flow.neighbourhood)
    return deny({}, "addresses of the host's own networks need a rule with the address or its range");
  return deny({}, concat(name(scope), " addresses need a rule with the address or its range"));
}

Verdict Policy::decide_public(const Flow& flow) const {
  const auto* by_address = find_address_rule(allow_, flow);
  const bool is_open = allow_.empty() && !spec_.is_asking;
  const bool is_web = is_web_port(flow.port);
  if (by_address || is_open) {
    const auto rule = by_address ? by_address->text() : std::string();
    if (!is_web || !is_watched_for_names(flow))
      return allow(rule, by_address ? "a rule allows the address" : "");
    if (flow.protocol == Protocol::tcp) return {Decision::inspect, rule, "a rule denies names"};
    return deny(rule, "QUIC hides the name, and a rule denies names");
  }
  for (const auto& one : flow.names) {
    const auto* rule = find_name_rule(allow_, flow, one);
    if (!rule) continue;
    if (!is_web || flow.protocol == Protocol::icmp) return allow(rule->text(), concat("a rule allows ", one));
    if (flow.protocol == Protocol::tcp)
      return {Decision::inspect, rule->text(), concat("a rule allows ", one)};
    return deny(rule->text(), "QUIC hides the name: only a rule with the address opens it");
  }
  return undecided("no rule allows it");
}

Verdict Policy::undecided(std::string reason) const {
  return {spec_.is_asking ? Decision::ask : Decision::deny, {}, std::move(reason)};
}

// Denied names share addresses with others, so that the address does not tell.
bool Policy::is_watched_for_names(const Flow& flow) const {
  return flow.protocol != Protocol::icmp && std::ranges::any_of(deny_, [&](const Rule& rule) {
           return (rule.host() == Rule::Host::name || rule.host() == Rule::Host::suffix) &&
                  rule.fits(flow.protocol, flow.port);
         });
}

Verdict Policy::decide_named(const Flow& flow, std::string_view given) const {
  auto verdict = decide(flow);
  if (verdict.decision != Decision::inspect) return verdict;
  const auto asked = normal_name(given);
  if (!asked.empty() && !is_host_name(asked)) return deny({}, "the connection asks for what is no host name");
  if (const auto* rule = find_name_rule(deny_, flow, asked); rule && !asked.empty())
    return deny(rule->text(), concat("a rule denies ", asked));
  if (const auto* rule = find_address_rule(allow_, flow))
    return allow(rule->text(), "a rule allows the address");
  if (allow_.empty()) return allow({}, "");
  if (asked.empty()) return deny({}, "the connection does not say which host it wants");
  if (const auto* rule = find_name_rule(allow_, flow, asked))
    return allow(rule->text(), concat("a rule allows ", asked));
  return undecided(concat("the connection asks for ", asked, ", which no rule allows"));
}

Verdict Policy::admit_name(std::string_view given) const {
  if (!spec_.is_enabled) return deny({}, "the network is off");
  if (!is_host_name(given)) return deny({}, "this is no host name");
  const auto asked = normal_name(given);
  for (const auto& rule : deny_) {
    if (rule.is_for_every_port() && rule.matches_name(asked))
      return deny(rule.text(), "a rule denies the name");
  }
  if (allow_.empty()) return allow({}, "");
  for (const auto& rule : allow_) {
    if (rule.matches_name(asked)) return allow(rule.text(), "a rule allows the name");
  }
  return spec_.is_asking ? allow({}, "") : deny({}, "no rule allows the name");
}

bool Policy::admits_answer(const IpAddress& given, const std::optional<Cidr>& neighbourhood) const {
  const auto address = given.canonical();
  const auto scope = scope_of(address, neighbourhood);
  if (scope == Scope::global) return true;
  if (is_never_reached(scope)) return false;
  return std::ranges::any_of(allow_,
                             [&](const Rule& rule) { return names_inside(rule, address, neighbourhood); });
}

}  // namespace boxlite::netpolicy
