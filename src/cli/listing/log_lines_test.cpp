// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/log_lines.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

using namespace std::chrono_literals;

TimePoint at(std::chrono::nanoseconds since_epoch) {
  return TimePoint(since_epoch);
}

TEST(LogLines, LeaveBytesAlone) {
  LogLines lines(false);
  EXPECT_EQ(lines.add({.bytes = std::string("a\0\xff\n", 4)}), std::string("a\0\xff\n", 4));
}

TEST(LogLines, GetTheTimeOfTheirFirstPiece) {
  LogLines lines(true);
  EXPECT_EQ(lines.add({.time = at(1s), .bytes = "one\ntw"}),
            "1970-01-01T00:00:01.000000000Z one\n1970-01-01T00:00:01.000000000Z tw");
  EXPECT_EQ(lines.add({.stream = OutputStream::stderr_, .time = at(2s), .bytes = "e\n"}),
            "1970-01-01T00:00:02.000000000Z e\n");
  EXPECT_EQ(lines.add({.time = at(3s), .bytes = "o\n\n"}), "o\n1970-01-01T00:00:03.000000000Z \n");
}

TEST(Moment, IsATimeOrALengthBeforeNow) {
  const auto now = at(1'700'000'000s);
  EXPECT_EQ(parse_moment("10m", now), now - 10min);
  EXPECT_EQ(parse_moment("0s", now), now);
  EXPECT_EQ(parse_moment("1600000000", now), at(1'600'000'000s));
  EXPECT_EQ(parse_moment("1600000000.25", now), at(1'600'000'000s + 250ms));
  EXPECT_EQ(parse_moment("2001-09-09T01:46:40.5Z", now), at(1'000'000'000s + 500ms));
  for (const char* wrong : {"", "yesterday", "1600000000.x", "99999999999999999999"}) {
    EXPECT_FALSE(parse_moment(wrong, now)) << wrong;
  }
  EXPECT_EQ(format_moment(at(1'000'000'000s + 1ns)), "2001-09-09T01:46:40.000000001Z");
}

}  // namespace
}  // namespace boxlite::cli
