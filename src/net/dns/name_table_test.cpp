// SPDX-License-Identifier: Apache-2.0
#include "net/dns/name_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const auto some_address = netpolicy::IpAddress::parse("192.0.2.1").value();
const NameTable::Clock::time_point begin(1000h);

TEST(NameTable, KnowsEveryNameOfAnAddress) {
  NameTable table;
  table.pin("a.com", some_address, 60s, begin);
  table.pin("b.com", some_address, 60s, begin);
  table.pin("a.com", some_address, 60s, begin);
  EXPECT_THAT(table.names(some_address, begin), ElementsAre("b.com", "a.com"));
  EXPECT_THAT(table.names(*netpolicy::IpAddress::parse("::ffff:192.0.2.1"), begin),
              ElementsAre("b.com", "a.com"));
  EXPECT_THAT(table.names(*netpolicy::IpAddress::parse("192.0.2.2"), begin), IsEmpty());
}

TEST(NameTable, NeverForgetsWhatItWasTold) {
  NameTable table(1);
  table.fix("told.example", some_address);
  table.pin("a.com", some_address, 60s, begin);
  table.pin("b.com", *netpolicy::IpAddress::parse("192.0.2.2"), 60s, begin);
  EXPECT_THAT(table.names(some_address, begin + 100h), ElementsAre("told.example"));
}

TEST(NameTable, KeepsNamesForAWhile) {
  NameTable table;
  table.pin("short.com", some_address, 0s, begin);
  table.pin("long.com", some_address, 1h, begin);
  EXPECT_THAT(table.names(some_address, begin + 9min), ElementsAre("short.com", "long.com"));
  // That was a use.
  EXPECT_THAT(table.names(some_address, begin + 18min), ElementsAre("short.com", "long.com"));
  EXPECT_THAT(table.names(some_address, begin + 29min), ElementsAre("long.com"));
  EXPECT_THAT(table.names(some_address, begin + 61min), IsEmpty());
  EXPECT_EQ(table.size(), 0u);
}

TEST(NameTable, KeepsNothingForEver) {
  NameTable table;
  table.pin("forever.com", some_address, std::chrono::seconds(0xffffffff), begin);
  EXPECT_THAT(table.names(some_address, begin + 25h), IsEmpty());
}

TEST(NameTable, ForgetsWhatNobodyUsed) {
  NameTable table(3);
  const auto address = [](std::uint32_t i) { return netpolicy::IpAddress::v4(0xc0000200 + i); };
  for (std::uint32_t i = 0; i < 3; ++i) table.pin(concat("n", i), address(i), 60s, begin);
  table.touch(address(0), begin);
  table.pin("n3", address(3), 60s, begin);
  EXPECT_THAT(table.names(address(0), begin), ElementsAre("n0"));
  EXPECT_THAT(table.names(address(1), begin), IsEmpty());
  EXPECT_EQ(table.size(), 3u);
}

TEST(NameTable, BoundsTheNamesOfAnAddress) {
  NameTable table;
  for (int i = 0; i < 1000; ++i) table.pin(concat("n", i), some_address, 60s, begin);
  const auto names = table.names(some_address, begin);
  EXPECT_EQ(names.size(), NameTable::most_names);
  EXPECT_EQ(names.back(), "n999");
}

}  // namespace
}  // namespace boxlite::net
