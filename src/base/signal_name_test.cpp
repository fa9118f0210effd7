// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <boxlite/signal.hpp>

namespace boxlite {
namespace {

TEST(SignalName, UnderstandsWhatKillUnderstands) {
  EXPECT_EQ(parse_signal("KILL"), 9);
  EXPECT_EQ(parse_signal("SIGKILL"), 9);
  EXPECT_EQ(parse_signal("sigterm"), 15);
  EXPECT_EQ(parse_signal("9"), 9);
  EXPECT_EQ(parse_signal("RTMIN+3"), 37);
  EXPECT_EQ(parse_signal("SIGRTMAX-1"), 63);
}

TEST(SignalName, RefusesWhatIsNoSignal) {
  for (const char* text : {"", "0", "65", "-9", "9x", "SIG", "FOO", "KILL+1", "RTMIN+31", "RTMAX+1",
                           "RTMIN-1", "RTMIN+", "RTMIN+-1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_signal(text)) << text;
  }
}

TEST(SignalName, NamesEverySignal) {
  EXPECT_EQ(signal_name(6), "ABRT");
  EXPECT_EQ(signal_name(40), "40");
  for (int signal = 1; signal <= 64; ++signal) EXPECT_EQ(parse_signal(signal_name(signal)), signal);
}

}  // namespace
}  // namespace boxlite
