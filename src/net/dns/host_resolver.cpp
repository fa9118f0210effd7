// SPDX-License-Identifier: Apache-2.0
#include "net/dns/host_resolver.h"

#include "base/concat.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

// Of one attempt: a datagram is lost now and then, and a server may be down while the next one is not.
constexpr auto attempt_limit = 1300ms;
constexpr std::size_t rounds = 3;

}  // namespace

const std::vector<NameServer>& HostResolver::servers() {
  if (!settings_.servers.empty()) return settings_.servers;
  if (const auto text = file_.changed_text()) servers_of_file_ = parse_name_servers(*text);
  return servers_of_file_;
}

void HostResolver::resolve(DnsQuestion question, Done done) {
  if (open_.size() >= most_open)
    return done(fail(ErrorCode::resource_exhausted, "too many names are looked up at a time"));
  const auto id = ++last_id_;
  auto& lookup = open_[id];
  lookup.question = std::move(question);
  lookup.done = std::move(done);
  lookup.servers = servers();
  lookup.most_attempts = lookup.servers.size() * rounds;
  lookup.timer = loop_.after(settings_.limit, [this, id] {
    finish(id, fail(ErrorCode::timed_out, "no name server of the host answered in time"));
  });
  attempt(id);
}

void HostResolver::attempt(std::uint64_t id) {
  auto& lookup = open_.at(id);
  while (lookup.attempts < lookup.most_attempts) {
    const auto& server = lookup.servers[lookup.attempts++ % lookup.servers.size()];
    auto exchange = DnsExchange::start(
        loop_,
        {.server = server, .question = lookup.question, .has_edns = lookup.has_edns, .limit = attempt_limit},
        [this, id](Result<DnsMessage> result) { judge(id, std::move(result)); });
    if (exchange) {
      lookup.exchange = *std::move(exchange);
      return;
    }
    lookup.last_failure = exchange.error().message();
  }
  finish(id, fail(ErrorCode::unavailable, concat("the name servers of the host: ", lookup.last_failure)));
}

void HostResolver::judge(std::uint64_t id, Result<DnsMessage> result) {
  auto& lookup = open_.at(id);
  if (result && (result->rcode == dns_rcode::no_error || result->rcode == dns_rcode::no_such_name))
    return finish(id, std::move(result));
  const bool knows_no_edns =
      result && lookup.has_edns &&
      (result->rcode == dns_rcode::format_error || result->rcode == dns_rcode::not_implemented);
  if (knows_no_edns) {
    lookup.has_edns = false;
    --lookup.attempts;
  }
  lookup.last_failure =
      result ? concat("answered with code ", result->rcode) : std::string(result.error().message());
  attempt(id);
}

void HostResolver::finish(std::uint64_t id, Result<DnsMessage> result) {
  auto lookup = open_.extract(id);
  lookup.mapped().done(std::move(result));
}

}  // namespace boxlite::net
