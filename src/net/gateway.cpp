// SPDX-License-Identifier: Apache-2.0
#include "net/gateway.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "net/local_addresses.h"
#include "wire/network_plan.h"

namespace boxlite::net {
namespace {

constexpr std::string_view inspection_name = "inspection.sock";
constexpr std::uint8_t neighbour_solicitation = 135;
constexpr std::uint8_t neighbour_advertisement = 136;

// Asking who has an address, or saying that the guest has its own: nobody else is on the cable.
bool is_honest_arp(ConstBytes frame) {
  constexpr std::size_t arp_size = 28;
  constexpr std::size_t sender = ethernet_header + 14;
  return frame.size() >= ethernet_header + arp_size &&
         std::ranges::equal(frame.subspan(sender, wire::guest_v4.size()), wire::guest_v4);
}

bool is_neighbour_talk(const Packet& packet) {
  return packet.is_v6 && packet.is_icmp() &&
         (packet.icmp_type == neighbour_solicitation || packet.icmp_type == neighbour_advertisement);
}

netpolicy::Protocol protocol_of(const Packet& packet) {
  if (packet.is(IpProtocol::tcp)) return netpolicy::Protocol::tcp;
  return packet.is(IpProtocol::udp) ? netpolicy::Protocol::udp : netpolicy::Protocol::icmp;
}

constexpr std::uint8_t icmp_echo_reply = 0;
constexpr std::uint8_t icmp_v6_echo_reply = 129;

std::optional<netpolicy::Protocol> protocol_of(const QuotedPacket& packet) {
  switch (static_cast<IpProtocol>(packet.protocol)) {
    case IpProtocol::tcp: return netpolicy::Protocol::tcp;
    case IpProtocol::udp: return netpolicy::Protocol::udp;
    case IpProtocol::icmp:
    case IpProtocol::icmp_v6: return netpolicy::Protocol::icmp;
  }
  return std::nullopt;
}

// The flow that a packet for the guest belongs to; an ICMP error belongs to that of what it quotes.
std::optional<FlowKey> flow_to_guest(const Packet& packet) {
  if (!packet.is_icmp())
    return FlowKey{.protocol = protocol_of(packet),
                   .remote = packet.source,
                   .remote_port = packet.source_port,
                   .guest_port = packet.destination_port};
  if (packet.icmp_type == (packet.is_v6 ? icmp_v6_echo_reply : icmp_echo_reply))
    return FlowKey{
        .protocol = netpolicy::Protocol::icmp, .remote = packet.source, .guest_port = packet.source_port};
  const auto quoted = quoted_packet(packet);
  const auto protocol = quoted ? protocol_of(*quoted) : std::nullopt;
  if (!protocol || !is_guest(quoted->source)) return std::nullopt;
  return FlowKey{.protocol = *protocol,
                 .remote = quoted->destination,
                 .remote_port = quoted->destination_port,
                 .guest_port = quoted->source_port};
}

bool has_flow(const Packet& packet) {
  return packet.is(IpProtocol::tcp) || packet.is(IpProtocol::udp) || packet.is_icmp();
}

ConstBytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::create(linux_::EventLoop& loop, UniqueFd link,
                                                 const std::filesystem::path& directory, Parts parts,
                                                 const GatewayBounds& bounds) {
  std::unique_ptr<Gateway> gateway(new Gateway(loop, std::move(parts), bounds));
  BOXLITE_TRY_CONTEXT("set up the box's network", gateway->open(std::move(link), directory));
  return gateway;
}

Gateway::~Gateway() {
  *self_ = nullptr;
  evicted_.splice(evicted_.end(), flows_.take_unless([](const FlowEntry&) { return false; }));
  for (const auto& entry : evicted_) end(entry);
  for (const auto& [port, path] : inlets_) ::unlink(path.c_str());
  if (directory_.is_open()) ::unlinkat(directory_.get(), std::string(inspection_name).c_str(), 0);
}

Result<void> Gateway::open(UniqueFd link, const std::filesystem::path& directory) {
  directory_ = BOXLITE_TRY(open_file(directory, O_PATH | O_DIRECTORY));
  // A path that fits into a socket's address, wherever the home is.
  directory_path_ = concat("/proc/self/fd/", directory_.get(), "/");
  inspection_ = BOXLITE_TRY(linux_::listen_unix(directory / inspection_name));
  stack_ =
      BOXLITE_TRY(SlirpStack::create(loop_, {.on_frame = [this](FrameBytes frame) { on_stack_frame(frame); },
                                             .may_go_on = [this] { return !link_->is_congested(); }}));
  link_ = BOXLITE_TRY(Link::create(loop_, std::move(link),
                                   {.on_frame = [this](FrameBytes frame) { on_guest_frame(frame); },
                                    .on_relief = [this] { stack_->resume(); }}));
  BOXLITE_TRY(stack_->lead_to(concat(directory_path_, inspection_name), inspection_end));
  // Slirp need not ask the guest where it is.
  stack_->input(as_bytes(make_arp_announcement()));
  stack_->input(as_bytes(make_neighbour_announcement()));
  return {};
}

void Gateway::send(ConstBytes frame) {
  if (frame.empty()) return;
  ++counters_.received_packets;
  counters_.received_bytes += frame.size();
  if (tap_) tap_(frame, false);
  link_->send(frame);
}

void Gateway::send(const std::string& frame) {
  send(as_bytes(frame));
}

void Gateway::refuse(const Packet& packet) {
  send(make_refusal(packet));
}

// ---- from the guest
// ----------------------------------------------------------------------------------------

void Gateway::on_guest_frame(FrameBytes frame) {
  ++counters_.sent_packets;
  counters_.sent_bytes += frame.size();
  if (tap_) tap_(frame, true);
  if (ether_type(frame) == EtherType::arp) {
    if (is_honest_arp(frame)) stack_->input(frame);
    return;
  }
  auto packet = parse_packet(frame);
  if (!packet || !is_guest(packet->source)) {
    ++counters_.dropped;
    return;
  }
  on_guest_packet(*packet);
}

void Gateway::on_guest_packet(Packet& packet) {
  if (is_neighbour_talk(packet)) return stack_->input(packet.frame);
  if (packet.destination.scope() == netpolicy::Scope::multicast || is_broadcast(packet.destination)) return;
  if (!has_flow(packet)) return refuse(packet);
  if (packet.is_icmp() && packet.icmp_type != (packet.is_v6 ? icmp_v6_echo : icmp_echo)) return;
  if (packet.is(IpProtocol::udp) && take_datagram(packet)) return;
  const FlowKey key{.protocol = protocol_of(packet),
                    .remote = packet.destination,
                    .remote_port = packet.destination_port,
                    .guest_port = packet.source_port};
  auto* entry = flows_.find(key, FlowTable::Clock::now());
  const bool begins_anew =
      entry != nullptr && packet.begins_tcp() && packet.tcp_sequence != entry->guest_first;
  if (begins_anew) {
    end(*entry);
    flows_.remove(key);
    entry = nullptr;
  }
  if (entry != nullptr) return pass(*entry, packet);
  // The rest of a flow that was cut, or of none.
  if (packet.is(IpProtocol::tcp) && !packet.begins_tcp()) return refuse(packet);
  judge(key, packet);
}

bool Gateway::take_datagram(const Packet& packet) {
  if (is_gateway(packet.destination) && packet.destination_port == dns_port && parts_.dns != nullptr) {
    ask_dns(packet);
    return true;
  }
  return is_host_alias(packet.destination) && datagram_sink_ &&
         datagram_sink_(packet.source_port, packet.destination_port, packet.payload_bytes());
}

void Gateway::ask_dns(const Packet& packet) {
  const auto query = packet.payload_bytes();
  const Endpoint from{packet.destination, packet.destination_port};
  const Endpoint to{packet.source, packet.source_port};
  parts_.dns->answer({reinterpret_cast<const char*>(query.data()), query.size()}, DnsServer::Transport::udp,
                     [self = self_, from, to](const std::string& message) {
                       if (*self != nullptr) (*self)->send(make_udp(from, to, as_bytes(message)));
                     });
}

void Gateway::note_sent(FlowEntry& entry, const Packet& packet) const {
  entry.sent += packet.frame.size();
  if (!packet.is(IpProtocol::tcp)) return;
  entry.guest_next = packet.tcp_sequence + packet.tcp_length();
  if ((packet.tcp_flags & TcpFlags::ack) != 0) entry.guest_wants = packet.tcp_acknowledged;
  if ((packet.tcp_flags & TcpFlags::fin) != 0) entry.guest_ended = true;
}

void Gateway::pass(FlowEntry& entry, Packet& packet) {
  if (entry.state == FlowEntry::State::held) return;
  // Each ping takes a socket.
  if (packet.is_icmp() && !is_gateway(packet.destination) && !has_room()) return refuse(packet);
  note_sent(entry, packet);
  const bool is_reset = packet.is(IpProtocol::tcp) && (packet.tcp_flags & TcpFlags::rst) != 0;
  const auto key = entry.key;
  if (entry.state == FlowEntry::State::open) {
    stack_->input(packet.frame);
  } else {
    pass_inspected(entry, packet);
  }
  if (!is_reset) return;
  // What slirp did meanwhile may have removed it.
  if (const auto* still = flows_.find(key, FlowTable::Clock::now())) end(*still);
  flows_.remove(key);
}

// Slirp sees an IPv4 connection to an address of ours, whatever the guest's is.
void Gateway::pass_inspected(const FlowEntry& entry, Packet& packet) {
  const auto flow = entry.flow;
  const auto port = entry.inner_port;
  if (packet.is_v6) {
    stack_->input(as_bytes(carry_over(packet, guest_v4, port, inspection_end.address, inspection_end.port)));
  } else {
    set_source(packet, guest_v4, port);
    set_destination(packet, inspection_end.address, inspection_end.port);
    stack_->input(packet.frame);
  }
  take_inspected(flow);
}

// Slirp connects while it is given the packet, so what is there belongs to this flow.
void Gateway::take_inspected(const netpolicy::Flow& flow) {
  auto stream = linux_::accept_unix(inspection_.get());
  if (!stream) return;
  // Another process that found the socket is not a flow.
  const auto peer = linux_::peer_credentials(stream->get());
  if (!peer || peer->pid != ::getpid()) return;
  const bool is_dns = is_gateway(flow.destination);
  auto* const handler = is_dns ? parts_.dns_streams : parts_.inspector;
  if (handler != nullptr) handler->take(std::move(*stream), flow);
}

// ---- for the guest
// -----------------------------------------------------------------------------------------

void Gateway::on_stack_frame(FrameBytes frame) {
  if (ether_type(frame) == EtherType::arp) return send(frame);
  // Fragments, which the guest cannot send either, have no ports to be known by.
  auto packet = parse_packet(frame);
  if (!packet || !has_flow(*packet)) return;
  if (packet->source == inspection_end.address) return on_inner_packet(*packet);
  if (is_neighbour_talk(*packet)) return send(frame);
  on_stack_packet(*packet);
}

// Slirp's sockets hear anybody. Only who the guest talks to is heard by the guest.
void Gateway::on_stack_packet(Packet& packet) {
  const auto key = flow_to_guest(packet);
  if (!key) return;
  auto* entry = flows_.find(*key, FlowTable::Clock::now());
  // Somebody came in by connect_to_guest().
  if (entry == nullptr && packet.begins_tcp()) entry = &begin_inbound(*key);
  if (entry == nullptr) return;
  entry->received += packet.frame.size();
  if (packet.is(IpProtocol::tcp) && (packet.tcp_flags & TcpFlags::fin) != 0) entry->remote_ended = true;
  if (packet.is(IpProtocol::tcp) && (packet.tcp_flags & TcpFlags::rst) != 0) {
    end(*entry);
    flows_.remove(*key);
  }
  send(packet.frame);
}

FlowEntry& Gateway::begin_inbound(const FlowKey& key) {
  netpolicy::Flow flow{
      .protocol = netpolicy::Protocol::tcp, .destination = key.remote, .port = key.remote_port};
  auto& entry = flows_.insert({.key = key, .flow = std::move(flow), .is_inbound = true},
                              FlowTable::Clock::now(), evicted_);
  cut_evicted_later();
  ++counters_.connections;
  return entry;
}

void Gateway::on_inner_packet(Packet& packet) {
  auto* const entry = flows_.find_inner(packet.destination_port, FlowTable::Clock::now());
  if (entry == nullptr || !packet.is(IpProtocol::tcp)) return;
  entry->received += packet.frame.size();
  if ((packet.tcp_flags & TcpFlags::fin) != 0) entry->remote_ended = true;
  const auto key = entry->key;
  if ((packet.tcp_flags & TcpFlags::rst) != 0) {
    end(*entry);
    flows_.remove(key);
  }
  if (key.remote.is_v6()) {
    return send(carry_over(packet, key.remote, key.remote_port, guest_v6, key.guest_port));
  }
  set_source(packet, key.remote, key.remote_port);
  set_destination(packet, guest_v4, key.guest_port);
  send(packet.frame);
}

// ---- into the guest
// ----------------------------------------------------------------------------------------

Result<UniqueFd> Gateway::connect_to_guest(std::uint16_t port) {
  if (!has_room())
    return fail(ErrorCode::resource_exhausted,
                concat("connect to port ", port, " of the box: it has ", stack_->sockets(), " connections"));
  auto& inlet = inlets_[port];
  if (inlet.empty()) {
    const auto path = concat(directory_path_, "inlet-", port, ".sock");
    ::unlink(path.c_str());
    BOXLITE_TRY_CONTEXT(concat("open a way to port ", port, " of the box"), stack_->lead_into(path, port));
    inlet = path;
  }
  return linux_::connect_unix(inlet, Deadline::after(std::chrono::milliseconds(0)));
}

void Gateway::send_to_guest(std::uint16_t alias_port, std::uint16_t guest_port, ConstBytes payload) {
  send(make_udp({host_v4, alias_port}, {guest_v4, guest_port}, payload));
}

}  // namespace boxlite::net
