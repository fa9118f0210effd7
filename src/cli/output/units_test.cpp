// SPDX-License-Identifier: Apache-2.0
#include "cli/output/units.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Optional;

TEST(UnitsTest, ReadsSizesInWholeUnitsRoundedUp) {
  EXPECT_THAT(parse_size("512", bytes_per_mib), Optional(512u));
  EXPECT_THAT(parse_size("512m", bytes_per_mib), Optional(512u));
  EXPECT_THAT(parse_size("2g", bytes_per_mib), Optional(2048u));
  EXPECT_THAT(parse_size("1.5G", bytes_per_mib), Optional(1536u));
  EXPECT_THAT(parse_size("2GiB", bytes_per_mib), Optional(2048u));
  EXPECT_THAT(parse_size("1025k", bytes_per_mib), Optional(2u));
  EXPECT_EQ(parse_size("1k", bytes_per_mib), std::nullopt) << "less than one";
  EXPECT_THAT(parse_size("10", bytes_per_gib), Optional(10u));
  EXPECT_THAT(parse_size("1500m", bytes_per_gib), Optional(2u));
  EXPECT_THAT(parse_size("1t", bytes_per_gib), Optional(1024u));
}

TEST(UnitsTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "m", "-1", "+1", "0", "1x", "1 g", "1..5", "1e3", "inf", "nan", "0x10", "1g2",
                           "99999999999999999999999999t", ".", "1m "}) {
    EXPECT_EQ(parse_size(text, bytes_per_mib), std::nullopt) << text;
  }
}

TEST(UnitsTest, ReadsDurations) {
  EXPECT_THAT(parse_duration("30"), Optional(milliseconds(30'000)));
  EXPECT_THAT(parse_duration("1.5s"), Optional(milliseconds(1500)));
  EXPECT_THAT(parse_duration("500ms"), Optional(milliseconds(500)));
  EXPECT_THAT(parse_duration("1h30m"), Optional(milliseconds(5'400'000)));
  EXPECT_THAT(parse_duration("1d"), Optional(milliseconds(86'400'000)));
  EXPECT_THAT(parse_duration("0"), Optional(milliseconds(0)));
}

TEST(UnitsTest, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "-1s", "1y", "1s2x", "one", "99999999999d", "1 s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(UnitsTest, ReadsTimesWithFractionsAndOffsets) {
  const auto time = parse_time("2026-11-22T10:15:00Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->time_since_epoch(), seconds(1'795'342'500));
  EXPECT_EQ(parse_time("2026-11-22T10:15:00.123456789Z"), time);
  EXPECT_EQ(parse_time("2026-11-22T12:15:00+02:00"), time);
  EXPECT_EQ(parse_time("2026-11-22T04:45:00.5-05:30"), time);
}

TEST(UnitsTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "now", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T10:15:00",
                           "-026-11-22T10:15:00Z", "2026-11-22T10:15:00+2", "2026-02-30T00:00:00Z"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(UnitsTest, WritesSizesWithThreeDigits) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(999), "999 B");
  EXPECT_EQ(format_size(1000), "1.00 kB");
  EXPECT_EQ(format_size(980'000), "980 kB");
  EXPECT_EQ(format_size(12'345'678), "12.3 MB");
  EXPECT_EQ(format_size(999'600), "1.00 MB");
  EXPECT_EQ(format_size(UINT64_MAX), "18.4 EB");
}

TEST(UnitsTest, WritesDurationsInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(seconds(0)), "less than a second");
  EXPECT_EQ(format_duration(seconds(-5)), "less than a second");
  EXPECT_EQ(format_duration(seconds(1)), "1 second");
  EXPECT_EQ(format_duration(seconds(59)), "59 seconds");
  EXPECT_EQ(format_duration(seconds(60)), "1 minute");
  EXPECT_EQ(format_duration(seconds(3 * 3600)), "3 hours");
  EXPECT_EQ(format_duration(std::chrono::hours(24 * 3)), "3 days");
  EXPECT_EQ(format_duration(std::chrono::hours(24 * 21)), "3 weeks");
  EXPECT_EQ(format_duration(std::chrono::hours(24 * 90)), "3 months");
  EXPECT_EQ(format_duration(std::chrono::hours(24 * 800)), "2 years");
}

TEST(UnitsTest, WritesAgesAndADashForNone) {
  const auto now = *parse_time("2026-11-22T10:15:00Z");
  EXPECT_EQ(format_age("2026-11-22T10:10:00Z", now), "5 minutes ago");
  EXPECT_EQ(format_age("", now), "-");
}

}  // namespace
}  // namespace boxlite::cli
