// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/detach_keys.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(DetachKeys, LeaveAtTheirSequenceAndForwardEverythingElse) {
  auto keys = *DetachKeys::parse(DetachKeys::usual);
  EXPECT_EQ(keys.feed("ls\r").forwarded, "ls\r");
  const auto left = keys.feed("a\x10\x11z");
  EXPECT_TRUE(left.has_detached);
  EXPECT_EQ(left.forwarded, "a");
}

TEST(DetachKeys, HoldABeginningBackUntilTheNextKey) {
  auto keys = *DetachKeys::parse("ctrl-p,ctrl-q");
  EXPECT_EQ(keys.feed("\x10").forwarded, "");
  EXPECT_EQ(keys.feed("x").forwarded, "\x10x");
  EXPECT_EQ(keys.feed("\x10").forwarded, "");
  EXPECT_EQ(keys.feed("\x10").forwarded, "\x10") << "the second may be the beginning";
  EXPECT_TRUE(keys.feed("\x11").has_detached);
}

TEST(DetachKeys, MayBePlainKeysOrNone) {
  EXPECT_TRUE(DetachKeys::parse("a,b")->feed("ab").has_detached);
  EXPECT_TRUE(DetachKeys::parse("ctrl-]")->feed("\x1d").has_detached);
  auto none = *DetachKeys::parse("");
  EXPECT_EQ(none.feed("\x10\x11").forwarded, "\x10\x11");
}

TEST(DetachKeys, RefuseOtherNotations) {
  for (const char* text : {"ctrl-", "ctrl-P", "ctrl-pq", "ab", "a,", "a,,b", "ctrl-1"}) {
    EXPECT_FALSE(DetachKeys::parse(text)) << text;
  }
}

}  // namespace
}  // namespace boxlite::cli
