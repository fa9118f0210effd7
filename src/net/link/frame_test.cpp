// SPDX-License-Identifier: Apache-2.0
#include "net/link/frame.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "net/local_addresses.h"

namespace boxlite::net {
namespace {

const auto server = *netpolicy::IpAddress::parse("192.0.2.7");
const auto server_v6 = *netpolicy::IpAddress::parse("2001:db8::7");

FrameBytes bytes_of(std::string& frame) {
  return {reinterpret_cast<std::uint8_t*>(frame.data()), frame.size()};
}

ConstBytes text_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::uint16_t checksum(ConstBytes bytes, std::uint32_t total) {
  for (std::size_t i = 0; i < bytes.size(); ++i) total += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(total);
}

// As a receiver would check it.
void expect_sound(std::string frame) {
  const auto packet = parse_packet(bytes_of(frame));
  ASSERT_TRUE(packet);
  const auto transport = ConstBytes(packet->frame).subspan(packet->transport);
  std::uint32_t pseudo = 0;
  if (packet->protocol != static_cast<std::uint8_t>(IpProtocol::icmp)) {
    pseudo = checksum(packet->source.bytes(), 0) + checksum(packet->destination.bytes(), 0) +
             std::uint32_t{packet->protocol} + static_cast<std::uint32_t>(transport.size());
  }
  EXPECT_EQ(checksum(transport, pseudo), 0xffff);
  if (!packet->is_v6) {
    EXPECT_EQ(checksum(bytes_of(frame).subspan(ethernet_header, v4_header), 0), 0xffff);
  }
}

TEST(Frame, TellsWhatADatagramIs) {
  auto frame = make_udp({guest_v4, 4000}, {server, 53}, text_bytes("hello"));
  expect_sound(frame);
  const auto packet = parse_packet(bytes_of(frame));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->is(IpProtocol::udp));
  EXPECT_EQ(packet->source, guest_v4);
  EXPECT_EQ(packet->destination, server);
  EXPECT_EQ(packet->source_port, 4000);
  EXPECT_EQ(packet->destination_port, 53);
  EXPECT_TRUE(std::ranges::equal(packet->payload_bytes(), text_bytes("hello")));
}

TEST(Frame, KeepsChecksumsRightUnderOtherEnds) {
  for (const bool is_v6 : {false, true}) {
    const auto guest = is_v6 ? guest_v6 : guest_v4;
    const auto remote = is_v6 ? server_v6 : server;
    for (auto frame : {make_udp({guest, 4000}, {remote, 53}, text_bytes("odd")),
                       make_tcp_reset({guest, 4000}, {remote, 53}, 0xfffffff0, 7)}) {
      auto packet = parse_packet(bytes_of(frame));
      ASSERT_TRUE(packet);
      set_source(*packet, is_v6 ? host_v6 : host_v4, 65'535);
      set_destination(*packet, is_v6 ? gateway_v6 : gateway_v4, 1);
      expect_sound(frame);
      const auto again = parse_packet(bytes_of(frame));
      EXPECT_EQ(again->source, packet->source);
      EXPECT_EQ(again->source_port, 65'535);
      EXPECT_EQ(again->destination_port, 1);
    }
  }
}

TEST(Frame, CarriesASegmentFromOneFamilyToTheOther) {
  auto frame = make_tcp_reset({guest_v6, 4000}, {server_v6, 443}, 17, 18);
  const auto packet = parse_packet(bytes_of(frame));
  ASSERT_TRUE(packet);
  auto carried = carry_over(*packet, guest_v4, 1024, inspection_end.address, inspection_end.port);
  expect_sound(carried);
  const auto inner = parse_packet(bytes_of(carried));
  ASSERT_TRUE(inner);
  EXPECT_FALSE(inner->is_v6);
  EXPECT_EQ(inner->tcp_sequence, 17u);
  EXPECT_EQ(inner->tcp_acknowledged, 18u);
  EXPECT_EQ(inner->source_port, 1024);
}

TEST(Frame, RefusesASynByAResetThatFitsIt) {
  auto syn = make_tcp_reset({guest_v4, 4000}, {server, 443}, 99, std::nullopt);
  auto packet = parse_packet(bytes_of(syn));
  packet->tcp_flags = TcpFlags::syn;
  auto refusal = make_refusal(*packet);
  expect_sound(refusal);
  const auto reset = parse_packet(bytes_of(refusal));
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->tcp_flags, TcpFlags::rst | TcpFlags::ack);
  EXPECT_EQ(reset->tcp_acknowledged, 100u);
  EXPECT_EQ(reset->destination, guest_v4);
  EXPECT_EQ(reset->source, server);
}

TEST(Frame, AnswersNoResetAndNoErrorWithAnother) {
  auto reset = make_tcp_reset({guest_v4, 4000}, {server, 443}, 99, std::nullopt);
  EXPECT_EQ(make_refusal(*parse_packet(bytes_of(reset))), "");
  auto datagram = make_udp({guest_v4, 4000}, {server, 53}, text_bytes("x"));
  auto refusal = make_refusal(*parse_packet(bytes_of(datagram)));
  expect_sound(refusal);
  EXPECT_EQ(make_refusal(*parse_packet(bytes_of(refusal))), "");
}

// Every length that a frame could be cut to, and every byte of its headers another one: nothing is read
// outside.
TEST(Frame, SurvivesAnything) {
  for (const auto& whole : {make_udp({guest_v4, 4000}, {server, 53}, text_bytes("hello")),
                            make_tcp_reset({guest_v6, 1}, {server_v6, 2}, 3, 4), make_arp_announcement(),
                            make_neighbour_announcement()}) {
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        for (const int value : {0, 0x0f, 0x4f, 0x80, 0xff}) {
          // Exactly so long, for the sanitizer to see.
          std::vector<std::uint8_t> frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
          frame[at] = static_cast<std::uint8_t>(value);
          auto packet = parse_packet(frame);
          if (!packet) continue;
          EXPECT_LE(packet->transport, packet->frame.size());
          (void)make_refusal(*packet);
          if (!packet->is(IpProtocol::tcp) && !packet->is(IpProtocol::udp)) continue;
          (void)packet->payload_bytes();
          set_destination(*packet, packet->is_v6 ? gateway_v6 : gateway_v4, 9);
        }
      }
    }
  }
}

TEST(Frame, IsNoneWhenItIsAFragmentOrHasHeadersBetween) {
  auto fragment = make_udp({guest_v4, 4000}, {server, 53}, text_bytes("hello"));
  fragment[ethernet_header + 6] = 0x20;
  EXPECT_FALSE(parse_packet(bytes_of(fragment)));
  auto extended = make_udp({guest_v6, 4000}, {server_v6, 53}, text_bytes("hello"));
  extended[ethernet_header + 6] = 0;  // hop-by-hop options
  EXPECT_FALSE(parse_packet(bytes_of(extended)));
}

}  // namespace
}  // namespace boxlite::net
