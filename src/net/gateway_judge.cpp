// SPDX-License-Identifier: Apache-2.0
// Which flows there may be.
#include <utility>

#include "net/gateway.h"
#include "net/local_addresses.h"

namespace boxlite::net {
namespace {

constexpr std::chrono::seconds sweep_pause{10};
// What may be kept of a flow while somebody is asked.
constexpr std::size_t longest_held_frame = 2048;
constexpr std::size_t most_held = 64;

const netpolicy::Verdict not_there{.decision = netpolicy::Decision::deny,
                                   .reason = "nobody has this address"};
const netpolicy::Verdict no_room{.decision = netpolicy::Decision::deny,
                                 .reason = "the box has too many connections"};
const netpolicy::Verdict unasked{.decision = netpolicy::Decision::deny,
                                 .reason = "there is nobody to be asked"};
const netpolicy::Verdict answered_no{.decision = netpolicy::Decision::deny,
                                     .reason = "refused by who was asked"};
const netpolicy::Verdict answered_yes{.decision = netpolicy::Decision::allow,
                                      .reason = "allowed by who was asked"};

netpolicy::IpAddress host_loopback(bool is_v6) {
  if (!is_v6) return netpolicy::IpAddress::v4(0x7f000001);
  netpolicy::IpAddress::Bytes bytes{};
  bytes.back() = 1;
  return netpolicy::IpAddress::v6(bytes);
}

}  // namespace

netpolicy::Flow Gateway::flow_of(const Packet& packet) const {
  netpolicy::Flow flow{.protocol = packet.is(IpProtocol::tcp)   ? netpolicy::Protocol::tcp
                                   : packet.is(IpProtocol::udp) ? netpolicy::Protocol::udp
                                                                : netpolicy::Protocol::icmp,
                       .destination = packet.destination,
                       .port = packet.destination_port};
  if (is_host_alias(packet.destination)) {
    flow.host_alias = packet.destination;
    flow.destination = host_loopback(packet.is_v6);
  }
  if (parts_.networks != nullptr) flow.neighbourhood = parts_.networks->find(packet.destination);
  if (parts_.names != nullptr) flow.names = parts_.names->names(packet.destination);
  return flow;
}

void Gateway::judge(const FlowKey& key, Packet& packet) {
  auto flow = flow_of(packet);
  const auto let_pass = [&](FlowEntry::State state) {
    pass(begin({.key = key, .flow = std::move(flow), .state = state}, packet), packet);
  };
  // The gateway itself answers names, and that it is there.
  if (is_gateway(packet.destination)) {
    if (packet.is_icmp()) return let_pass(FlowEntry::State::open);
    if (packet.is(IpProtocol::tcp) && packet.destination_port == dns_port && parts_.dns_streams != nullptr)
      return let_pass(FlowEntry::State::inspected);
  }
  auto verdict = parts_.policy->decide(flow);
  if (is_on_link(packet.destination) && !is_host_alias(packet.destination)) verdict = not_there;
  if (verdict.decision != netpolicy::Decision::deny && !has_room()) verdict = no_room;
  if (verdict.decision == netpolicy::Decision::inspect && parts_.inspector == nullptr)
    verdict = parts_.policy->decide_named(flow, {});
  if (verdict.decision == netpolicy::Decision::ask) {
    if (parts_.ask && packet.frame.size() <= longest_held_frame) return hold(key, flow, packet);
    verdict = unasked;
  }
  if (verdict.decision == netpolicy::Decision::inspect) return let_pass(FlowEntry::State::inspected);
  record(flow, verdict);
  if (!verdict.is_allowed()) {
    ++counters_.refusals;
    return refuse(packet);
  }
  const bool is_wanted = key.protocol == netpolicy::Protocol::tcp && parts_.inspector != nullptr &&
                         parts_.inspector->wants(flow);
  let_pass(is_wanted ? FlowEntry::State::inspected : FlowEntry::State::open);
}

FlowEntry& Gateway::begin(FlowEntry entry, const Packet& packet) {
  entry.guest_first = packet.tcp_sequence;
  auto& begun = flows_.insert(std::move(entry), FlowTable::Clock::now(), evicted_);
  cut_evicted_later();
  if (begun.state != FlowEntry::State::held) ++counters_.connections;
  sweep_later();
  return begun;
}

void Gateway::hold(const FlowKey& key, const netpolicy::Flow& flow, const Packet& packet) {
  // Asked again with the guest's next attempt.
  if (held_ >= most_held) return;
  FlowEntry entry{.key = key, .flow = flow, .state = FlowEntry::State::held};
  entry.held_frame.assign(packet.frame.begin(), packet.frame.end());
  ++held_;
  const auto number = begin(std::move(entry), packet).number;
  parts_.ask(flow, [self = self_, number](bool is_allowed) {
    if (*self != nullptr) (*self)->answer(number, is_allowed);
  });
}

void Gateway::answer(std::uint64_t number, bool is_allowed) {
  auto* const entry = flows_.find_number(number);
  if (entry == nullptr || entry->state != FlowEntry::State::held) return;
  const auto key = entry->key;
  const auto flow = entry->flow;
  auto frame = std::move(entry->held_frame);
  end(*entry);
  flows_.remove(key);
  record(flow, is_allowed ? answered_yes : answered_no);
  auto packet = parse_packet({reinterpret_cast<std::uint8_t*>(frame.data()), frame.size()});
  if (!packet) return;
  if (is_allowed) {
    const bool is_wanted = key.protocol == netpolicy::Protocol::tcp && parts_.inspector != nullptr &&
                           parts_.inspector->wants(flow);
    return pass(begin({.key = key,
                       .flow = flow,
                       .state = is_wanted ? FlowEntry::State::inspected : FlowEntry::State::open},
                      *packet),
                *packet);
  }
  ++counters_.refusals;
  refuse(*packet);
}

void Gateway::record(const netpolicy::Flow& flow, const netpolicy::Verdict& verdict) {
  if (parts_.log != nullptr) parts_.log->append(audit_of(flow, verdict));
}

void Gateway::end(const FlowEntry& entry) {
  if (entry.state == FlowEntry::State::held) {
    --held_;
    return;
  }
  if (parts_.log == nullptr || entry.is_inbound) return;
  const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(entry.used - entry.began);
  parts_.log->append(audit_end(entry.flow, entry.sent, entry.received, lasted));
}

void Gateway::cut(const FlowEntry& entry) {
  end(entry);
  if (entry.key.protocol != netpolicy::Protocol::tcp || entry.state == FlowEntry::State::held) return;
  const bool is_v6 = entry.key.remote.is_v6();
  const Endpoint guest{is_v6 ? guest_v6 : guest_v4, entry.key.guest_port};
  const Endpoint remote{entry.key.remote, entry.key.remote_port};
  const bool is_inspected = entry.state == FlowEntry::State::inspected;
  const auto for_stack = is_inspected ? make_tcp_reset({guest_v4, entry.inner_port}, inspection_end,
                                                       entry.guest_next, std::nullopt)
                                      : make_tcp_reset(guest, remote, entry.guest_next, std::nullopt);
  stack_->input({reinterpret_cast<const std::uint8_t*>(for_stack.data()), for_stack.size()});
  send(make_tcp_reset(remote, guest, entry.guest_wants, std::nullopt));
}

void Gateway::cut_evicted_later() {
  if (evicted_.empty() || std::exchange(is_cut_due_, true)) return;
  cutting_ = loop_.at(linux_::EventLoop::Clock::now(), [this] {
    is_cut_due_ = false;
    for (const auto& entry : std::exchange(evicted_, {})) cut(entry);
  });
}

void Gateway::set_policy(std::shared_ptr<const netpolicy::Policy> policy) {
  parts_.policy = std::move(policy);
  const auto gone = flows_.take_unless([this](const FlowEntry& entry) {
    if (entry.is_inbound || is_gateway(entry.key.remote)) return true;
    const auto decision = parts_.policy->decide(entry.flow).decision;
    switch (entry.state) {
      case FlowEntry::State::held: return decision == netpolicy::Decision::ask;
      case FlowEntry::State::open: return decision == netpolicy::Decision::allow;
      // The inspection judges it again.
      case FlowEntry::State::inspected:
        return decision == netpolicy::Decision::allow || decision == netpolicy::Decision::inspect;
    }
    return false;
  });
  for (const auto& entry : gone) cut(entry);
  if (parts_.inspector != nullptr) parts_.inspector->judge_again();
}

// What is over needs no more than to be forgotten; an end of a connection that was silent for a day may still
// be there.
void Gateway::sweep_later() {
  if (std::exchange(is_sweep_due_, true)) return;
  sweep_ = loop_.after(sweep_pause, [this] {
    is_sweep_due_ = false;
    for (const auto& entry : flows_.take_expired(FlowTable::Clock::now())) {
      entry.guest_ended&& entry.remote_ended ? end(entry) : cut(entry);
    }
    if (flows_.size() > 0) sweep_later();
  });
}

}  // namespace boxlite::net
