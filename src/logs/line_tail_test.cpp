// SPDX-License-Identifier: Apache-2.0
#include "logs/line_tail.h"

#include <limits>

#include <gtest/gtest.h>

namespace boxlite::logs {
namespace {

constexpr auto out = RecordKind::stdout_bytes;
constexpr auto err = RecordKind::stderr_bytes;

TEST(LineTail, LeavesOutWholeLines) {
  LineTail tail(2);
  EXPECT_EQ(tail.pick(out, "one\ntwo\nthree\n"), "three\n");
  EXPECT_EQ(tail.pick(out, "four"), "four");
  EXPECT_EQ(tail.lines(), 4u);
}

TEST(LineTail, ALineMayComeInPieces) {
  LineTail tail(1);
  EXPECT_EQ(tail.pick(out, "on"), "");
  EXPECT_EQ(tail.pick(out, "e"), "");
  EXPECT_EQ(tail.pick(out, "\ntwo"), "two");
  EXPECT_EQ(tail.lines(), 2u);
}

TEST(LineTail, StreamsHaveLinesOfTheirOwn) {
  LineTail tail(1);
  EXPECT_EQ(tail.pick(out, "half "), "");
  EXPECT_EQ(tail.pick(err, "error\n"), "error\n");
  EXPECT_EQ(tail.pick(out, "a line\nnext\n"), "next\n");
}

TEST(LineTail, CountsWithoutKeeping) {
  LineTail tail(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(tail.pick(out, "\n\n\nx"), "");
  tail.end_lines();
  EXPECT_EQ(tail.pick(out, "y"), "");
  EXPECT_EQ(tail.lines(), 5u);
}

}  // namespace
}  // namespace boxlite::logs
