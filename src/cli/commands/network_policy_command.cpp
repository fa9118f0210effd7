// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/listing/network_listing.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite network policy [OPTIONS] BOX",
    .sentence = "Shows what a box may reach; with options, changes it first, at once and for good.",
    .example = "boxlite network policy --allow-net \"*.example.com\" --deny-net tcp:*:25 web",
};

void add(std::vector<std::string>& rules, const std::vector<std::string>& more) {
  for (const auto& rule : more) {
    if (std::ranges::count(rules, rule) == 0) rules.push_back(rule);
  }
}

}  // namespace

Outcome network_policy_command(Call& call) {
  NetworkPolicy change;
  bool is_reset = false;
  bool no_ask = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.list(0, "allow-net", "RULE", change.allow,
               "Add [tcp:|udp:]HOST[:PORTS] to what may be reached (repeatable)");
  options.list(0, "deny-net", "RULE", change.deny, "Add one to what may not (repeatable)");
  options.flag(0, "ask", change.ask, "Let a program that listens decide what no rule does");
  options.flag(0, "no-ask", no_ask, "Ask nobody any more");
  options.flag(0, "reset", is_reset, "Forget all earlier rules first");
  options.value(0, "format", "table|json", "How to print (table: a rule a line)", accept_format(format));
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  const auto facts = box->info();
  if (!facts) return std::unexpected(facts.error());
  auto network = facts->spec.network;
  const bool is_change = is_reset || change.ask || no_ask || !change.allow.empty() || !change.deny.empty();
  if (is_change) {
    NetworkPolicy policy;
    if (!is_reset) policy = {.allow = network.allow, .deny = network.deny, .ask = network.ask};
    add(policy.allow, change.allow);
    add(policy.deny, change.deny);
    policy.ask = (policy.ask || change.ask) && !no_ask;
    if (const auto done = box->set_network_policy(policy); !done) return std::unexpected(done.error());
    network.allow = policy.allow;
    network.deny = policy.deny;
    network.ask = policy.ask;
  }
  print(format == OutputFormat::json ? policy_json(network) : policy_text(network));
  return exit_success;
}

}  // namespace boxlite::cli
