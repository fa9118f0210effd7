// SPDX-License-Identifier: Apache-2.0
#include "net/flow_table.h"

#include <set>

#include <gtest/gtest.h>

namespace boxlite::net {
namespace {

using State = FlowEntry::State;
using std::chrono::hours;
using std::chrono::seconds;

const FlowTable::Clock::time_point start{};

FlowKey key(std::uint16_t guest_port, netpolicy::Protocol protocol = netpolicy::Protocol::tcp) {
  return {.protocol = protocol,
          .remote = netpolicy::IpAddress::v4(0xc0000201),
          .remote_port = 80,
          .guest_port = guest_port};
}

FlowEntry& add(FlowTable& table, FlowEntry entry, FlowTable::Clock::time_point now = start) {
  std::list<FlowEntry> evicted;
  return table.insert(std::move(entry), now, evicted);
}

TEST(FlowTable, FindsByKeyAndByInnerPort) {
  FlowTable table;
  const auto inner = add(table, {.key = key(1), .state = State::inspected}).inner_port;
  add(table, {.key = key(2)});
  EXPECT_NE(inner, 0);
  ASSERT_NE(table.find_inner(inner, start), nullptr);
  EXPECT_EQ(table.find_inner(inner, start)->key, key(1));
  EXPECT_EQ(table.find(key(3), start), nullptr);
  table.remove(key(1));
  EXPECT_EQ(table.find_inner(inner, start), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(FlowTable, LetsTheLeastUsedGoWhenItIsFull) {
  FlowTable table({.tcp = 3});
  for (std::uint16_t port = 1; port <= 3; ++port) add(table, {.key = key(port)});
  table.find(key(1), start + seconds(1));
  std::list<FlowEntry> evicted;
  table.insert({.key = key(4)}, start + seconds(2), evicted);
  ASSERT_EQ(evicted.size(), 1u);
  EXPECT_EQ(evicted.front().key, key(2));
  EXPECT_EQ(table.size(), 3u);
}

TEST(FlowTable, LetsNoFlowGoForOneOfAnotherKind) {
  FlowTable table({.tcp = 1, .ended_tcp = 2, .udp = 1, .icmp = 1});
  std::list<FlowEntry> evicted;
  table.insert({.key = key(1)}, start, evicted);
  for (const auto protocol : {netpolicy::Protocol::udp, netpolicy::Protocol::icmp})
    for (std::uint16_t port = 1; port <= 3; ++port)
      table.insert({.key = key(port, protocol)}, start, evicted);
  EXPECT_EQ(evicted.size(), 4u);
  EXPECT_NE(table.find(key(1), start), nullptr);
}

TEST(FlowTable, LetsConnectionsThatAreOverGoBeforeThoseAlive) {
  FlowTable table({.tcp = 2, .ended_tcp = 2});
  std::list<FlowEntry> evicted;
  table.insert({.key = key(1)}, start, evicted);
  for (std::uint16_t port = 2; port <= 20; ++port) {
    auto& entry = table.insert({.key = key(port)}, start, evicted);
    entry.guest_ended = true;
    entry.remote_ended = true;
    (void)table.find(key(port), start);  // by the last packet
  }
  EXPECT_NE(table.find(key(1), start), nullptr) << "it was silent for longest, but is alive";
  EXPECT_EQ(table.size(), 4u);
  EXPECT_EQ(evicted.size(), 16u);
}

TEST(FlowTable, NeverGivesTwoFlowsOneInnerPort) {
  FlowTable table({.tcp = 100'000});
  std::set<std::uint16_t> ports;
  for (std::uint16_t round = 0; round < 4; ++round) {
    for (std::uint16_t port = 0; port < 15'000; ++port) {
      const auto entry = key(port, netpolicy::Protocol::tcp);
      auto other = entry;
      other.remote_port = round;
      ports.insert(add(table, {.key = other, .state = State::inspected}).inner_port);
    }
  }
  EXPECT_EQ(ports.size(), 60'000u);
  EXPECT_GE(*ports.begin(), 1024);
}

TEST(FlowTable, ForgetsWhatIsOver) {
  FlowTable table;
  add(table, {.key = key(1)});
  add(table, {.key = key(2), .guest_ended = true, .remote_ended = true});
  add(table, {.key = key(3, netpolicy::Protocol::udp)});
  EXPECT_EQ(table.take_expired(start + seconds(9)).size(), 0u);
  EXPECT_EQ(table.take_expired(start + seconds(11)).front().key, key(2));
  EXPECT_EQ(table.take_expired(start + seconds(121)).front().key, key(3, netpolicy::Protocol::udp));
  EXPECT_EQ(table.take_expired(start + hours(23)).size(), 0u);
  EXPECT_EQ(table.take_expired(start + hours(25)).size(), 1u);
}

}  // namespace
}  // namespace boxlite::net
