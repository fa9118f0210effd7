// SPDX-License-Identifier: Apache-2.0
#include "net/link/frame.h"

#include <algorithm>

#include "wire/network_plan.h"

namespace boxlite::net {
namespace {

std::uint16_t get16(ConstBytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t get32(ConstBytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(get16(bytes, at)) << 16 | get16(bytes, at + 2);
}

void put16(FrameBytes bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void put32(FrameBytes bytes, std::size_t at, std::uint32_t value) {
  put16(bytes, at, value >> 16);
  put16(bytes, at + 2, value & 0xffff);
}

// Of 16-bit words, without the final complement.
std::uint64_t sum(ConstBytes bytes) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) total += get16(bytes, i);
  if (bytes.size() % 2 != 0) total += static_cast<std::uint64_t>(bytes.back()) << 8;
  return total;
}

std::uint16_t fold(std::uint64_t total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(total);
}

std::uint16_t complement(std::uint16_t value) {
  return static_cast<std::uint16_t>(~value);
}

// RFC 1624: the checksum after `before` became `after`.
std::uint16_t adjusted(std::uint16_t checksum, std::uint64_t before, std::uint64_t after) {
  return complement(fold(complement(checksum) + std::uint64_t{complement(fold(before))} + fold(after)));
}

// Where the checksum of a transport header is; 0: it has none we know.
std::size_t checksum_place(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp: return 16;
    case IpProtocol::udp: return 6;
    case IpProtocol::icmp:
    case IpProtocol::icmp_v6: return 2;
  }
  return 0;
}

void adjust_transport(Packet& packet, std::uint64_t before, std::uint64_t after) {
  const auto at = packet.transport + checksum_place(packet.protocol);
  const auto checksum = get16(packet.frame, at);
  // 0 in UDP: there is none.
  if (packet.is(IpProtocol::udp) && checksum == 0) return;
  put16(packet.frame, at, adjusted(checksum, before, after));
}

// One end of the packet: `address_at` in the frame, `port_at` behind the transport header's begin.
void set_end(Packet& packet, std::size_t address_at, std::size_t port_at, const netpolicy::IpAddress& address,
             std::uint16_t port) {
  const auto size = address.bytes().size();
  const auto field = packet.frame.subspan(address_at, size);
  const auto before = sum(field);
  const auto after = sum(address.bytes());
  std::ranges::copy(address.bytes(), field.begin());
  if (!packet.is_v6) {
    const auto at = ethernet_header + 10;
    put16(packet.frame, at, adjusted(get16(packet.frame, at), before, after));
  }
  const auto old_port = get16(packet.frame, packet.transport + port_at);
  put16(packet.frame, packet.transport + port_at, port);
  adjust_transport(packet, before + old_port, after + port);
}

bool parse_transport(Packet& packet) {
  const ConstBytes bytes = packet.frame;
  const auto at = packet.transport;
  const auto size = bytes.size() - at;
  if (packet.is(IpProtocol::tcp)) {
    if (size < tcp_header) return false;
    const std::size_t header = static_cast<std::size_t>(bytes[at + 12] >> 4) * 4;
    if (header < tcp_header || header > size) return false;
    packet.source_port = get16(bytes, at);
    packet.destination_port = get16(bytes, at + 2);
    packet.tcp_sequence = get32(bytes, at + 4);
    packet.tcp_acknowledged = get32(bytes, at + 8);
    packet.tcp_flags = bytes[at + 13];
    packet.payload = at + header;
    return true;
  }
  if (packet.is(IpProtocol::udp)) {
    if (size < udp_header) return false;
    const std::size_t length = get16(bytes, at + 4);
    if (length < udp_header || length > size) return false;
    packet.frame = packet.frame.first(at + length);
    packet.source_port = get16(bytes, at);
    packet.destination_port = get16(bytes, at + 2);
    packet.payload = at + udp_header;
    return true;
  }
  if (packet.is_icmp()) {
    if (size < 8) return false;
    packet.icmp_type = bytes[at];
    packet.source_port = get16(bytes, at + 4);
  }
  return true;
}

std::optional<Packet> parse_v4(FrameBytes frame) {
  if (frame.size() < ethernet_header + v4_header) return std::nullopt;
  const auto ip = frame.subspan(ethernet_header);
  const std::size_t header = static_cast<std::size_t>(ip[0] & 15) * 4;
  const std::size_t total = get16(ip, 2);
  if (ip[0] >> 4 != 4 || header < v4_header || total < header || total > ip.size()) return std::nullopt;
  // More fragments, or not the first one: its ports cannot be known.
  if ((get16(ip, 6) & 0x3fff) != 0) return std::nullopt;
  Packet packet;
  packet.frame = frame.first(ethernet_header + total);
  packet.protocol = ip[9];
  packet.source = *netpolicy::IpAddress::from_bytes(ip.subspan(12, 4));
  packet.destination = *netpolicy::IpAddress::from_bytes(ip.subspan(16, 4));
  packet.transport = ethernet_header + header;
  if (!parse_transport(packet)) return std::nullopt;
  return packet;
}

std::optional<Packet> parse_v6(FrameBytes frame) {
  if (frame.size() < ethernet_header + v6_header) return std::nullopt;
  const auto ip = frame.subspan(ethernet_header);
  const std::size_t length = get16(ip, 4);
  if (ip[0] >> 4 != 6 || length > ip.size() - v6_header) return std::nullopt;
  Packet packet;
  packet.frame = frame.first(ethernet_header + v6_header + length);
  packet.is_v6 = true;
  packet.protocol = ip[6];
  // Anything else may be a header that hides another one.
  if (!packet.is(IpProtocol::tcp) && !packet.is(IpProtocol::udp) && !packet.is(IpProtocol::icmp_v6))
    return std::nullopt;
  packet.source = *netpolicy::IpAddress::from_bytes(ip.subspan(8, 16));
  packet.destination = *netpolicy::IpAddress::from_bytes(ip.subspan(24, 16));
  packet.transport = ethernet_header + v6_header;
  if (!parse_transport(packet)) return std::nullopt;
  return packet;
}

bool is_icmp_error(const Packet& packet) {
  constexpr std::uint8_t unreachable = 3, time_exceeded = 11, parameter_problem = 12, last_v6_error = 4;
  const auto type = packet.icmp_type;
  if (packet.is_v6) return type != 0 && type <= last_v6_error;
  return type == unreachable || type == time_exceeded || type == parameter_problem;
}

// An IP packet of `transport` bytes to be filled in, and its checksum then.
class Builder {
 public:
  Builder(const netpolicy::IpAddress& from, const netpolicy::IpAddress& to, IpProtocol protocol,
          std::size_t transport, bool is_from_guest = false)
      : from_(from), to_(to), protocol_(static_cast<std::uint8_t>(protocol)) {
    const auto header = from.is_v6() ? v6_header : v4_header;
    at_ = ethernet_header + header;
    frame_.resize(at_ + transport);
    put_ethernet(from.is_v6() ? EtherType::v6 : EtherType::v4, is_from_guest);
    from.is_v6() ? put_v6(transport) : put_v4(transport);
  }

  FrameBytes transport() { return bytes().subspan(at_); }

  std::string finish() {
    const auto place = checksum_place(protocol_);
    put16(transport(), place, 0);
    auto total = sum(transport());
    if (protocol_ != static_cast<std::uint8_t>(IpProtocol::icmp))
      total += sum(from_.bytes()) + sum(to_.bytes()) + protocol_ + transport().size();
    auto checksum = complement(fold(total));
    if (checksum == 0 && protocol_ == static_cast<std::uint8_t>(IpProtocol::udp)) checksum = 0xffff;
    put16(transport(), place, checksum);
    return std::move(frame_);
  }

 private:
  FrameBytes bytes() { return {reinterpret_cast<std::uint8_t*>(frame_.data()), frame_.size()}; }

  void put_ethernet(EtherType type, bool is_from_guest) {
    const auto& destination = is_from_guest ? wire::gateway_mac : wire::guest_mac;
    const auto& source = is_from_guest ? wire::guest_mac : wire::gateway_mac;
    std::ranges::copy(destination, bytes().begin());
    std::ranges::copy(source, bytes().begin() + 6);
    put16(bytes(), 12, static_cast<std::uint16_t>(type));
  }

  void put_v4(std::size_t transport) {
    const auto ip = bytes().subspan(ethernet_header, v4_header);
    ip[0] = 0x45;
    put16(ip, 2, v4_header + transport);
    put16(ip, 6, 0x4000);  // must not be cut up
    ip[8] = 64;
    ip[9] = protocol_;
    std::ranges::copy(from_.bytes(), ip.begin() + 12);
    std::ranges::copy(to_.bytes(), ip.begin() + 16);
    put16(ip, 10, complement(fold(sum(ip))));
  }

  void put_v6(std::size_t transport) {
    const auto ip = bytes().subspan(ethernet_header, v6_header);
    ip[0] = 0x60;
    put16(ip, 4, transport);
    ip[6] = protocol_;
    ip[7] = 255;
    std::ranges::copy(from_.bytes(), ip.begin() + 8);
    std::ranges::copy(to_.bytes(), ip.begin() + 24);
  }

  const netpolicy::IpAddress from_;
  const netpolicy::IpAddress to_;
  const std::uint8_t protocol_;
  std::size_t at_ = 0;
  std::string frame_;
};

bool is_guest(const netpolicy::IpAddress& address) {
  return std::ranges::equal(address.bytes(), address.is_v6() ? ConstBytes(wire::guest_v6) : wire::guest_v4);
}

// RFC 1122: never about an error, and with the beginning of what it is about.
std::string make_prohibited(const Packet& packet) {
  const std::uint8_t first_error = 3;
  if (packet.is_icmp() && packet.icmp_type != (packet.is_v6 ? 128 : 8)) return {};
  const auto quoted = ConstBytes(packet.frame).subspan(ethernet_header);
  const auto size = std::min<std::size_t>(quoted.size(), packet.is_v6 ? 1200 : 548);
  Builder builder(packet.destination, packet.source, packet.is_v6 ? IpProtocol::icmp_v6 : IpProtocol::icmp,
                  8 + size);
  const auto icmp = builder.transport();
  icmp[0] = packet.is_v6 ? 1 : first_error;
  icmp[1] = packet.is_v6 ? 1 : 13;
  std::ranges::copy(quoted.first(size), icmp.begin() + 8);
  return builder.finish();
}

}  // namespace

std::uint32_t Packet::tcp_length() const {
  const auto control =
      ((tcp_flags & TcpFlags::syn) != 0 ? 1u : 0u) + ((tcp_flags & TcpFlags::fin) != 0 ? 1u : 0u);
  return static_cast<std::uint32_t>(frame.size() - payload) + control;
}

std::optional<EtherType> ether_type(ConstBytes frame) {
  if (frame.size() < ethernet_header) return std::nullopt;
  return static_cast<EtherType>(get16(frame, 12));
}

std::optional<Packet> parse_packet(FrameBytes frame) {
  const auto type = ether_type(frame);
  if (type == EtherType::v4) return parse_v4(frame);
  if (type == EtherType::v6) return parse_v6(frame);
  return std::nullopt;
}

std::optional<QuotedPacket> quoted_packet(const Packet& error) {
  if (!error.is_icmp() || !is_icmp_error(error)) return std::nullopt;
  constexpr std::size_t icmp_header = 8, quoted_transport = 8;
  const auto ip = ConstBytes(error.frame).subspan(error.transport + icmp_header);
  if (ip.size() < (error.is_v6 ? v6_header : v4_header)) return std::nullopt;
  const std::size_t header = error.is_v6 ? v6_header : static_cast<std::size_t>(ip[0] & 15) * 4;
  if (header < v4_header || ip.size() < header + quoted_transport) return std::nullopt;
  const auto transport = ip.subspan(header);
  const auto address = [&](std::size_t at) {
    return *netpolicy::IpAddress::from_bytes(ip.subspan(at, error.is_v6 ? 16 : 4));
  };
  QuotedPacket quoted{.protocol = ip[error.is_v6 ? 6 : 9],
                      .source = address(error.is_v6 ? 8 : 12),
                      .destination = address(error.is_v6 ? 24 : 16)};
  if (quoted.protocol == error.protocol) {
    quoted.source_port = get16(transport, 4);
  } else {
    quoted.source_port = get16(transport, 0);
    quoted.destination_port = get16(transport, 2);
  }
  return quoted;
}

void set_source(Packet& packet, const netpolicy::IpAddress& address, std::uint16_t port) {
  set_end(packet, ethernet_header + (packet.is_v6 ? 8 : 12), 0, address, port);
  packet.source = address;
  packet.source_port = port;
}

void set_destination(Packet& packet, const netpolicy::IpAddress& address, std::uint16_t port) {
  set_end(packet, ethernet_header + (packet.is_v6 ? 24 : 16), 2, address, port);
  packet.destination = address;
  packet.destination_port = port;
}

std::string carry_over(const Packet& packet, const netpolicy::IpAddress& source, std::uint16_t source_port,
                       const netpolicy::IpAddress& destination, std::uint16_t destination_port) {
  const auto segment = ConstBytes(packet.frame).subspan(packet.transport);
  Builder builder(source, destination, IpProtocol::tcp, segment.size(), is_guest(source));
  std::ranges::copy(segment, builder.transport().begin());
  put16(builder.transport(), 0, source_port);
  put16(builder.transport(), 2, destination_port);
  return builder.finish();
}

std::string make_udp(const Endpoint& from, const Endpoint& to, ConstBytes payload) {
  Builder builder(from.address, to.address, IpProtocol::udp, udp_header + payload.size(),
                  is_guest(from.address));
  const auto udp = builder.transport();
  put16(udp, 0, from.port);
  put16(udp, 2, to.port);
  put16(udp, 4, udp.size());
  std::ranges::copy(payload, udp.begin() + udp_header);
  return builder.finish();
}

std::string make_tcp_reset(const Endpoint& from, const Endpoint& to, std::uint32_t sequence,
                           std::optional<std::uint32_t> acknowledged) {
  Builder builder(from.address, to.address, IpProtocol::tcp, tcp_header, is_guest(from.address));
  const auto tcp = builder.transport();
  put16(tcp, 0, from.port);
  put16(tcp, 2, to.port);
  put32(tcp, 4, sequence);
  put32(tcp, 8, acknowledged.value_or(0));
  tcp[12] = (tcp_header / 4) << 4;
  tcp[13] = TcpFlags::rst | (acknowledged ? TcpFlags::ack : 0);
  return builder.finish();
}

std::string make_refusal(const Packet& packet) {
  if (!packet.is(IpProtocol::tcp)) return make_prohibited(packet);
  if ((packet.tcp_flags & TcpFlags::rst) != 0) return {};
  const Endpoint from{packet.destination, packet.destination_port};
  const Endpoint to{packet.source, packet.source_port};
  // RFC 9293, 3.10.7.1
  if ((packet.tcp_flags & TcpFlags::ack) != 0)
    return make_tcp_reset(from, to, packet.tcp_acknowledged, std::nullopt);
  return make_tcp_reset(from, to, 0, packet.tcp_sequence + packet.tcp_length());
}

std::string make_arp_announcement() {
  std::string frame(ethernet_header + 28, '\0');
  const FrameBytes bytes{reinterpret_cast<std::uint8_t*>(frame.data()), frame.size()};
  std::ranges::copy(wire::gateway_mac, bytes.begin());
  std::ranges::copy(wire::guest_mac, bytes.begin() + 6);
  put16(bytes, 12, static_cast<std::uint16_t>(EtherType::arp));
  const auto arp = bytes.subspan(ethernet_header);
  put16(arp, 0, 1);  // Ethernet
  put16(arp, 2, static_cast<std::uint16_t>(EtherType::v4));
  arp[4] = 6;
  arp[5] = 4;
  put16(arp, 6, 2);  // a reply
  std::ranges::copy(wire::guest_mac, arp.begin() + 8);
  std::ranges::copy(wire::guest_v4, arp.begin() + 14);
  std::ranges::copy(wire::gateway_mac, arp.begin() + 18);
  std::ranges::copy(wire::gateway_v4, arp.begin() + 24);
  return frame;
}

std::string make_neighbour_announcement() {
  Builder builder(netpolicy::IpAddress::v6(wire::guest_v6), netpolicy::IpAddress::v6(wire::gateway_v6),
                  IpProtocol::icmp_v6, 32, true);
  const auto icmp = builder.transport();
  icmp[0] = 136;
  icmp[4] = 0x60;  // solicited, override
  std::ranges::copy(wire::guest_v6, icmp.begin() + 8);
  icmp[24] = 2;  // the link-layer address of the target
  icmp[25] = 1;
  std::ranges::copy(wire::guest_mac, icmp.begin() + 26);
  return builder.finish();
}

}  // namespace boxlite::net
