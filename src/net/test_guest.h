// SPDX-License-Identifier: Apache-2.0
// For tests: a guest that is played packet by packet, at the machine's end of a box's cable.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "linux/event_loop.h"
#include "linux/sockets/unix_socket.h"
#include "net/local_addresses.h"

namespace boxlite::net {

// What of a TCP segment matters here.
struct TestSegment {
  std::uint16_t from = 0;  // port of the guest
  Endpoint to = {};
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t flags = 0;
  std::string payload = {};
};

// Builds packets by itself, so that those of net/frame.h are not their own judge.
class TestPackets {
 public:
  static std::string tcp(const TestSegment& segment) {
    std::string text(tcp_header, '\0');
    put(text, 0, segment.from, 2);
    put(text, 2, segment.to.port, 2);
    put(text, 4, segment.sequence, 4);
    put(text, 8, segment.acknowledged, 4);
    text[12] = 5 << 4;
    text[13] = static_cast<char>(segment.flags);
    put(text, 14, 0xffff, 2);
    return packet(segment.to.address, IpProtocol::tcp, 16, text + segment.payload);
  }

  static std::string udp(std::uint16_t from, const Endpoint& to, const std::string& payload) {
    std::string text(udp_header, '\0');
    put(text, 0, from, 2);
    put(text, 2, to.port, 2);
    put(text, 4, static_cast<std::uint32_t>(text.size() + payload.size()), 2);
    return packet(to.address, IpProtocol::udp, 6, text + payload);
  }

  static std::string echo(const netpolicy::IpAddress& to, std::uint16_t id, std::string payload = "ping") {
    std::string text(8, '\0');
    text[0] = static_cast<char>(to.is_v6() ? icmp_v6_echo : icmp_echo);
    put(text, 4, id, 2);
    return packet(to, to.is_v6() ? IpProtocol::icmp_v6 : IpProtocol::icmp, 2, text + std::move(payload));
  }

  // From the guest, around a transport header whose checksum is at `checksum_at`.
  static std::string packet(const netpolicy::IpAddress& to, IpProtocol protocol, std::size_t checksum_at,
                            std::string transport) {
    const auto from = to.is_v6() ? guest_v6 : guest_v4;
    std::string pseudo = text_of(from.bytes()) + text_of(to.bytes()) + std::string(4, '\0');
    put(pseudo, pseudo.size() - 4, static_cast<std::uint32_t>(transport.size()), 2);
    pseudo.back() = static_cast<char>(protocol);
    put(transport, checksum_at, checksum(protocol == IpProtocol::icmp ? transport : pseudo + transport), 2);
    return ethernet(to.is_v6()) + ip_header(from, to, protocol, transport.size()) + transport;
  }

  static std::string arp_request() {
    auto frame = text_of(wire::gateway_mac) + text_of(wire::guest_mac) + std::string("\x08\x06", 2);
    frame += std::string("\0\1\x08\0\6\4\0\1", 8) + text_of(wire::guest_mac) + text_of(wire::guest_v4);
    return frame + std::string(6, '\0') + text_of(wire::gateway_v4);
  }

 private:
  static std::string text_of(ConstBytes bytes) { return {bytes.begin(), bytes.end()}; }

  static void put(std::string& text, std::size_t at, std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) text[at + i] = static_cast<char>(value >> (8 * (size - 1 - i)));
  }

  static std::uint32_t checksum(const std::string& text) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
      sum += static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[i])) << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
  }

  static std::string ethernet(bool is_v6) {
    return text_of(wire::gateway_mac) + text_of(wire::guest_mac) +
           std::string(is_v6 ? "\x86\xdd" : "\x08\0", 2);
  }

  static std::string ip_header(const netpolicy::IpAddress& from, const netpolicy::IpAddress& to,
                               IpProtocol protocol, std::size_t size) {
    std::string ip(to.is_v6() ? 8 : 12, '\0');
    ip[0] = to.is_v6() ? 0x60 : 0x45;
    put(ip, to.is_v6() ? 4 : 2, static_cast<std::uint32_t>(to.is_v6() ? size : v4_header + size), 2);
    ip[to.is_v6() ? 6 : 9] = static_cast<char>(protocol);
    ip[to.is_v6() ? 7 : 8] = 64;
    ip += text_of(from.bytes()) + text_of(to.bytes());
    if (to.is_v4()) put(ip, 10, checksum(ip), 2);
    return ip;
  }
};

class TestGuest {
 public:
  explicit TestGuest(linux_::EventLoop& loop) : loop_(loop) {
    auto pair = *linux_::unix_socket_pair();
    socket_ = std::move(pair.first);
    link_ = std::move(pair.second);
    (void)linux_::set_non_blocking(socket_.get());
    (void)linux_::set_non_blocking(link_.get());
  }

  UniqueFd take_link() { return std::move(link_); }

  // The frame is on the cable; the loop has not turned.
  void send(const std::string& frame) {
    std::string bytes(4, '\0');
    bytes[2] = static_cast<char>(frame.size() >> 8);
    bytes[3] = static_cast<char>(frame.size());
    bytes += frame;
    (void)::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // Turns the loop until a packet has come that `is_wanted`, and returns it; nullopt: none came in time.
  // Packets before it are gone.
  std::optional<std::string> await(const std::function<bool(const Packet&)>& is_wanted,
                                   Deadline deadline = Deadline::after(std::chrono::seconds(10))) {
    while (true) {
      while (auto frame = next()) {
        const auto packet = parse(*frame);
        if (packet && is_wanted(*packet)) return frame;
      }
      if (deadline.has_passed()) return std::nullopt;
      (void)loop_.run_once(Deadline::after(std::chrono::milliseconds(10)));
      receive();
    }
  }

  // The next frame of those that have come.
  std::optional<std::string> next() {
    receive();
    const auto at = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes_[i]));
    };
    if (bytes_.size() < 4) return std::nullopt;
    const auto size = at(1) << 16 | at(2) << 8 | at(3);
    if (bytes_.size() < 4 + size) return std::nullopt;
    auto frame = bytes_.substr(4, size);
    bytes_.erase(0, 4 + size);
    return frame;
  }

  // Views the frame.
  static std::optional<Packet> parse(std::string& frame) {
    return parse_packet({reinterpret_cast<std::uint8_t*>(frame.data()), frame.size()});
  }

  // Connects, and says nothing more. False: it was refused, or nobody answered in time.
  bool connect(std::uint16_t from, const Endpoint& to) {
    send(TestPackets::tcp({.from = from, .to = to, .sequence = first_sequence, .flags = TcpFlags::syn}));
    auto answer = await([&](const Packet& packet) {
      return packet.is(IpProtocol::tcp) && packet.destination_port == from && packet.source == to.address;
    });
    if (!answer) return false;
    const auto packet = *parse(*answer);
    if ((packet.tcp_flags & TcpFlags::rst) != 0) return false;
    send(TestPackets::tcp({.from = from,
                           .to = to,
                           .sequence = first_sequence + 1,
                           .acknowledged = packet.tcp_sequence + 1,
                           .flags = TcpFlags::ack}));
    return true;
  }

  static constexpr std::uint32_t first_sequence = 1000;

 private:
  void receive() {
    std::array<char, 65'536> buffer;
    ssize_t count = 0;
    while ((count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0)
      bytes_.append(buffer.data(), static_cast<std::size_t>(count));
  }

  linux_::EventLoop& loop_;
  UniqueFd socket_;
  UniqueFd link_;
  std::string bytes_;
};

}  // namespace boxlite::net
