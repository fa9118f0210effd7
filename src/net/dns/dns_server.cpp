// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_server.h"

#include <algorithm>

#include "base/concat.h"
#include "netpolicy/rule.h"

namespace boxlite::net {
namespace {

// One frame of the guest's Ethernet holds it.
constexpr std::size_t longest_datagram = 1400;
constexpr std::size_t datagram_without_edns = 512;
constexpr std::uint32_t local_ttl = 60;
// The table keeps a name no longer, so the guest shall ask again.
constexpr auto longest_ttl = static_cast<std::uint32_t>(NameTable::longest_life.count());

// Of RFC 8914.
namespace why {
constexpr std::uint16_t blocked = 15;
constexpr std::uint16_t no_reachable_authority = 22;
}  // namespace why

bool is_within(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.ends_with(zone) && name.size() > zone.size() && name[name.size() - zone.size() - 1] == '.');
}

std::string type_text(std::uint16_t type) {
  if (type == dns_type::a) return "A";
  if (type == dns_type::aaaa) return "AAAA";
  return concat("TYPE", type);
}

// Those of the family that is asked for.
std::vector<DnsRecord> records_for(const DnsQuestion& question,
                                   const std::vector<netpolicy::IpAddress>& addresses) {
  std::vector<DnsRecord> records;
  for (const auto& address : addresses) {
    auto record = address_record(question.name, address, local_ttl);
    if (record.type == question.type) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

// A question and what becomes of it.
struct DnsServer::Asked {
  DnsQuestion question = {};
  std::string name = {};  // normal
  DnsMessage response = {};
  std::size_t limit = longest_dns_message;
  Reply reply = {};
};

DnsServer::DnsServer(linux_::EventLoop& loop, NameTable& names, netpolicy::AuditLog* log,
                     std::shared_ptr<const netpolicy::Policy> policy, Settings settings)
    : names_(names),
      log_(log),
      policy_(std::move(policy)),
      settings_(std::move(settings)),
      hosts_file_(settings_.hosts_file),
      resolver_(loop, settings_.resolver) {}

void DnsServer::answer(std::string_view query, Transport transport, Reply reply) {
  const auto header = parse_dns_header(query);
  if (!header || header->is_response) return;
  Asked asked{.reply = std::move(reply)};
  asked.response = {.id = header->id,
                    .is_response = true,
                    .opcode = header->opcode,
                    .wants_recursion = header->wants_recursion};
  const auto message = parse_dns_message(query);
  if (message) asked.response.questions = message->questions;
  if (message && message->edns_size) asked.response.edns_size = longest_datagram;
  if (transport == Transport::udp) {
    const std::size_t room = message && message->edns_size ? *message->edns_size : 0;
    asked.limit = std::clamp(room, datagram_without_edns, longest_datagram);
  }
  const auto rcode = header->opcode != 0                          ? dns_rcode::not_implemented
                     : !message || message->questions.size() != 1 ? dns_rcode::format_error
                                                                  : dns_rcode::no_error;
  asked.response.rcode = rcode;
  if (rcode != dns_rcode::no_error) return send(asked);
  asked.question = message->questions.front();
  asked.name = asked.question.name.text();
  answer_question(std::move(asked));
}

void DnsServer::answer_question(Asked asked) {
  const auto type = asked.question.type;
  const bool is_meta = type == dns_type::opt || (type >= dns_type::first_meta && type <= dns_type::last_meta);
  if (asked.question.klass != dns_class_in || is_meta) {
    asked.response.rcode = dns_rcode::not_implemented;
    return send(asked);
  }
  if (answer_local(asked)) return;
  if (const auto verdict = policy_->admit_name(asked.name); !verdict.is_allowed())
    return refuse(asked, verdict);
  if (answer_from_hosts(asked)) return;
  // Of these records programs take addresses that we could not pin, and keys that hide the name in TLS.
  const bool is_withheld = type == dns_type::svcb || type == dns_type::https;
  if (is_withheld || (type == dns_type::aaaa && !settings_.tells_ipv6)) return send(asked);
  auto question = asked.question;
  resolver_.resolve(std::move(question),
                    [this, asked = std::move(asked)](const Result<DnsMessage>& upstream) mutable {
                      answer_upstream(std::move(asked), upstream);
                    });
}

// Names that never leave the machine, whatever the policy says: they tell nobody anything, and connections
// are judged on their own.
bool DnsServer::answer_local(Asked& asked) {
  const auto known = std::ranges::find(settings_.names, asked.name, &LocalName::name);
  std::vector<netpolicy::IpAddress> addresses;
  if (known != settings_.names.end()) {
    addresses = known->addresses;
  } else if (is_within(asked.name, "localhost")) {
    addresses = {netpolicy::IpAddress::v4(0x7f000001), *netpolicy::IpAddress::parse("::1")};
  } else if (is_within(asked.name, "boxlite.internal")) {
    asked.response.rcode = dns_rcode::no_such_name;
    send(asked);
    return true;
  } else {
    return false;
  }
  tell(asked, records_for(asked.question, addresses), true);
  return true;
}

bool DnsServer::answer_from_hosts(Asked& asked) {
  if (const auto text = hosts_file_.changed_text()) hosts_ = parse_hosts(*text);
  const auto known = hosts_.find(asked.name);
  if (known == hosts_.end()) return false;
  tell(asked, records_for(asked.question, known->second), false);
  return true;
}

void DnsServer::answer_upstream(Asked asked, const Result<DnsMessage>& upstream) {
  // The policy may be another one by now.
  if (const auto verdict = policy_->admit_name(asked.name); !verdict.is_allowed())
    return refuse(asked, verdict);
  if (!upstream) {
    record(asked, "failed", {}, upstream.error().message());
    return fail_at(asked, dns_rcode::server_failure, why::no_reachable_authority,
                   "the host cannot look names up");
  }
  asked.response.rcode = upstream->rcode;
  // How long there is none may be kept; the rest of the authority is nothing that a guest needs.
  for (const auto& record : upstream->authority) {
    if (record.type == dns_type::soa) asked.response.authority.push_back(record);
  }
  tell(asked, upstream->answers, false);
}

bool DnsServer::may_tell(const netpolicy::IpAddress& address) {
  const auto neighbourhood = settings_.networks == nullptr ? std::nullopt : settings_.networks->find(address);
  return policy_->admits_answer(address, neighbourhood);
}

// Takes the addresses out that the guest must not be led to, and remembers the others.
void DnsServer::tell(Asked& asked, std::vector<DnsRecord> records, bool is_ours) {
  std::string withheld;
  for (auto& record : records) {
    record.ttl = std::min(record.ttl, longest_ttl);
    const auto address = record.address();
    if (address && !is_ours && !may_tell(*address)) {
      withheld =
          concat("its address ", address->str(), " is ",
                 address->scope() == netpolicy::Scope::global ? "a neighbour's" : name(address->scope()),
                 ": only a rule with the address or its range opens it");
      continue;
    }
    if (address && !is_ours) names_.pin(asked.name, *address, std::chrono::seconds(record.ttl));
    asked.response.answers.push_back(std::move(record));
  }
  // Which address it is, is nothing for the guest: it may be one of the host's hosts file.
  if (!withheld.empty()) asked.response.error = ExtendedDnsError{why::blocked, "its address is not public"};
  if (!is_ours) {
    const auto verdict = policy_->admit_name(asked.name);
    this->record(asked, withheld.empty() ? "allow" : "deny", verdict.rule, withheld);
  }
  send(asked);
}

// "No such name" rather than "refused": the resolver of musl waits its five seconds after a refusal, and that
// of glibc asks again; at this one, both give up at once.
void DnsServer::refuse(Asked& asked, const netpolicy::Verdict& verdict) {
  record(asked, "deny", verdict.rule, verdict.reason);
  fail_at(asked, dns_rcode::no_such_name, why::blocked, verdict.reason);
}

void DnsServer::fail_at(Asked& asked, std::uint16_t rcode, std::uint16_t why_code, std::string why) {
  asked.response.rcode = rcode;
  asked.response.error = ExtendedDnsError{why_code, std::move(why)};
  send(asked);
}

void DnsServer::send(Asked& asked) {
  asked.reply(encode(asked.response, asked.limit));
}

void DnsServer::record(const Asked& asked, std::string_view verdict, std::string rule,
                       const std::string& reason) {
  if (!log_) return;
  const auto type = type_text(asked.question.type);
  log_->append({.kind = netpolicy::AuditRecord::Kind::dns,
                .name = asked.name,
                .verdict = std::string(verdict),
                .rule = std::move(rule),
                .reason = reason.empty() ? type : concat(type, ": ", reason)});
}

}  // namespace boxlite::net
