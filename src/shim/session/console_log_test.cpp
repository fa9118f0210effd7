// SPDX-License-Identifier: Apache-2.0
#include "shim/session/console_log.h"

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::shim {
namespace {

TEST(ConsoleLog, NeverGrowsBeyondTwiceItsLimitAndKeepsTheEnd) {
  const auto dir = TempDir::create(testing::TempDir(), "console-");
  const auto path = dir->path() / "console.log";
  auto log = ConsoleLog::create(path, 100);
  ASSERT_TRUE(log);
  for (int line = 0; line < 1000; ++line) log->append(concat("line ", line, "\n"));
  EXPECT_LE(std::filesystem::file_size(path), 100u);
  EXPECT_EQ(std::filesystem::file_size(path.native() + ".1"), 100u);
  const auto all = *read_file(path.native() + ".1") + *read_file(path);
  EXPECT_TRUE(all.ends_with("line 998\nline 999\n")) << all;
  EXPECT_TRUE(log->tail().starts_with("line 980\n")) << log->tail();
  EXPECT_TRUE(log->tail().ends_with("line 999"));
  // One write larger than the limit.
  log->append(std::string(1000, 'x'));
  EXPECT_LE(std::filesystem::file_size(path), 100u);
}

TEST(ConsoleLog, BeginsAnewWithEachRun) {
  const auto dir = TempDir::create(testing::TempDir(), "console-");
  const auto path = dir->path() / "console.log";
  {
    auto log = ConsoleLog::create(path, 10);
    log->append("old old old old");
  }
  const auto log = ConsoleLog::create(path, 10);
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  EXPECT_FALSE(std::filesystem::exists(path.native() + ".1"));
}

TEST(ConsoleLog, KnowsOfAPanicBehindALongTrace) {
  const auto dir = TempDir::create(testing::TempDir(), "console-");
  auto log = ConsoleLog::create(dir->path() / "console.log", 100'000);
  ASSERT_TRUE(log);
  log->append("all is well\n");
  EXPECT_EQ(log->panic(), "");
  log->append("[    6.3] Kernel panic - not syncing: out of \x1b[31mmemory\r\n");
  for (int line = 0; line < 100; ++line) log->append(concat("[    6.4]  ? 0xffffffff", line, "\n"));
  EXPECT_EQ(log->panic(), "out of [31mmemory");
  EXPECT_EQ(log->tail().find("panic"), std::string::npos);
  log->begin_machine();
  EXPECT_EQ(log->panic(), "");
}

}  // namespace
}  // namespace boxlite::shim
