// SPDX-License-Identifier: Apache-2.0
// Ethernet frames of the guest, read with bounds, changed in place, and made. All bytes of a frame are
// hostile. Nothing here keeps state; numbers in the structures are in host order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "netpolicy/address.h"

namespace boxlite::net {

using FrameBytes = std::span<std::uint8_t>;
using ConstBytes = std::span<const std::uint8_t>;

inline constexpr std::size_t ethernet_header = 14;
inline constexpr std::size_t v4_header = 20;
inline constexpr std::size_t v6_header = 40;
inline constexpr std::size_t tcp_header = 20;
inline constexpr std::size_t udp_header = 8;
inline constexpr std::size_t max_frame = 65'535 + ethernet_header;

enum class EtherType : std::uint16_t { v4 = 0x0800, arp = 0x0806, v6 = 0x86dd };

enum class IpProtocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmp_v6 = 58 };

struct TcpFlags {
  static constexpr std::uint8_t fin = 1, syn = 2, rst = 4, ack = 16;
};

// An IP packet in a frame, with its transport header where that is TCP, UDP or ICMP. Views the frame.
struct Packet {
  FrameBytes frame;  // cut to what the IP header says
  bool is_v6 = false;
  std::uint8_t protocol = 0;
  netpolicy::IpAddress source;
  netpolicy::IpAddress destination;
  std::size_t transport = 0;  // where its header begins
  // TCP and UDP; of an ICMP echo its identifier in source_port.
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint32_t tcp_sequence = 0;
  std::uint32_t tcp_acknowledged = 0;
  std::size_t payload = 0;  // of TCP and UDP: where it begins
  std::uint8_t icmp_type = 0;

  bool is(IpProtocol which) const { return protocol == static_cast<std::uint8_t>(which); }
  bool is_icmp() const { return is(is_v6 ? IpProtocol::icmp_v6 : IpProtocol::icmp); }
  // The first packet of a connection.
  bool begins_tcp() const {
    return is(IpProtocol::tcp) &&
           (tcp_flags & (TcpFlags::syn | TcpFlags::ack | TcpFlags::rst)) == TcpFlags::syn;
  }
  ConstBytes payload_bytes() const { return ConstBytes(frame).subspan(payload); }
  // What a TCP segment takes of the sequence numbers.
  std::uint32_t tcp_length() const;
};

// nullopt: too short for one.
std::optional<EtherType> ether_type(ConstBytes frame);

// nullopt: no whole IP packet, or one we do not want: a fragment, a packet with IPv6 extension headers.
std::optional<Packet> parse_packet(FrameBytes frame);

// Another source or destination, of the same family, with checksums kept right (or wrong, as they were).
void set_source(Packet& packet, const netpolicy::IpAddress& address, std::uint16_t port);
void set_destination(Packet& packet, const netpolicy::IpAddress& address, std::uint16_t port);

// The TCP segment of the packet in a packet of the other family, between these ends.
std::string carry_over(const Packet& packet, const netpolicy::IpAddress& source, std::uint16_t source_port,
                       const netpolicy::IpAddress& destination, std::uint16_t destination_port);

// The packet that an ICMP error is about, by the beginning of it that it quotes.
struct QuotedPacket {
  std::uint8_t protocol = 0;
  netpolicy::IpAddress source;
  netpolicy::IpAddress destination;
  std::uint16_t source_port = 0;  // of an ICMP echo its identifier
  std::uint16_t destination_port = 0;
};
// nullopt: it is no error, or quotes nothing that has ports.
std::optional<QuotedPacket> quoted_packet(const Packet& error);

struct Endpoint {
  netpolicy::IpAddress address = {};
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

// Frames for the guest, or as if they came from it; which of both says where `to` is.
std::string make_udp(const Endpoint& from, const Endpoint& to, ConstBytes payload);
std::string make_tcp_reset(const Endpoint& from, const Endpoint& to, std::uint32_t sequence,
                           std::optional<std::uint32_t> acknowledged);
// The answer that ends an attempt at once: a reset for TCP, else "administratively prohibited". Empty when
// there is none to give: to a reset, to an ICMP error.
std::string make_refusal(const Packet& packet);
// The guest's address resolution, as it would announce it.
std::string make_arp_announcement();
std::string make_neighbour_announcement();

}  // namespace boxlite::net
