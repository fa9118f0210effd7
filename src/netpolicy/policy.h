// SPDX-License-Identifier: Apache-2.0
// What a box may reach. docs/explanation/network-policy.md tells the rules and why they are so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netpolicy/flow.h"
#include "netpolicy/rule.h"

namespace boxlite::netpolicy {

struct PolicySpec {
  bool is_enabled = true;  // false: nothing is reachable at all
  // What may be reached; empty: everything public.
  std::vector<std::string> allow = {};
  // What may not, whatever `allow` says.
  std::vector<std::string> deny = {};
  // Ask for public destinations that no rule decides, instead of allowing (empty `allow`) or denying them.
  bool is_asking = false;

  bool operator==(const PolicySpec&) const = default;
};

enum class Decision : std::uint8_t {
  allow,
  deny,
  inspect,  // read what name the guest asks for (TLS SNI, HTTP Host), then decide_named()
  ask,      // somebody must be asked; nobody there, or no answer: deny
};
std::string_view name(Decision decision);

struct Verdict {
  Decision decision = Decision::deny;
  std::string rule = {};    // as it was written; empty: no rule decided
  std::string reason = {};  // for people: "private addresses need a rule of their own"

  bool is_allowed() const { return decision == Decision::allow; }
};

// Immutable: a change is another Policy, put in place as a whole. Thread-safe.
class Policy {
 public:
  // invalid_argument; for a rule with the place of the mistake.
  static Result<std::shared_ptr<const Policy>> create(const PolicySpec& spec);

  const PolicySpec& spec() const { return spec_; }

  // For the first packet of a flow.
  Verdict decide(const Flow& flow) const;
  // For an inspected flow, once it told its name; empty: it told none. Allow, deny or ask. `name` is whatever
  // the guest sent.
  Verdict decide_named(const Flow& flow, std::string_view name) const;

  // Whether DNS may look up a name: rules for any port and protocol count. Allow or deny.
  Verdict admit_name(std::string_view name) const;
  bool admits_name(std::string_view name) const { return admit_name(name).is_allowed(); }
  // Whether DNS may give the guest this address of an admitted name: no answer may lead the guest to an
  // address that only its owner's rules open (rebinding). `neighbourhood`: as of a Flow.
  bool admits_answer(const IpAddress& address, const std::optional<Cidr>& neighbourhood = {}) const;

 private:
  explicit Policy(PolicySpec spec) : spec_(std::move(spec)) {}
  Verdict decide_closed_scope(const Flow& flow, Scope scope) const;
  Verdict decide_public(const Flow& flow) const;
  Verdict undecided(std::string reason) const;
  bool is_watched_for_names(const Flow& flow) const;

  PolicySpec spec_;
  std::vector<Rule> allow_;
  std::vector<Rule> deny_;
};

}  // namespace boxlite::netpolicy
