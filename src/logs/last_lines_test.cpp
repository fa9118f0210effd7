// SPDX-License-Identifier: Apache-2.0
#include "logs/last_lines.h"

#include <gtest/gtest.h>

namespace boxlite::logs {
namespace {

TEST(LastLines, TakeOutWhatWouldMoveTheCursor) {
  EXPECT_EQ(last_lines("a\r\n\x1b[31mb\x07\xff\n\n", 20), "a\n[31mb");
  EXPECT_EQ(last_lines("a\nb\nc", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb\nc\n", 1), "c");
  EXPECT_EQ(last_lines("", 3), "");
  EXPECT_EQ(last_lines("\n\n", 3), "");
}

}  // namespace
}  // namespace boxlite::logs
