// SPDX-License-Identifier: Apache-2.0
// Boxes that run by themselves, and looking after them from the command line.
#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class CareVmTest : public VmTest {};

TEST_F(CareVmTest, AJobRunsDetachedAndLeavesItsLog) {
  const auto started =
      run({"run", "-d", "--name", "job", "--", "sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_EQ(started.code(), 0) << started.err;
  EXPECT_EQ(run({"wait", "job"}).out, "3\n");
  const auto log = run({"logs", "-f", "job"});
  EXPECT_EQ(log.out, "out\n");
  EXPECT_EQ(log.err, "err\n");
  EXPECT_THAT(run({"logs", "-t", "job"}).out, MatchesRegex("20[0-9T:.-]+Z out\n"));
  EXPECT_EQ(run({"logs", "-n", "0", "job"}).out, "");
  const auto refused = run({"exec", "job", "true"});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("boxlite start job"));
  EXPECT_EQ(run({"start", "job"}).code(), 0);
  EXPECT_EQ(run({"wait", "job"}).out, "3\n");
  EXPECT_EQ(run({"logs", "job"}).out, "out\nout\n");
}

TEST_F(CareVmTest, WhatCannotRunIsSaidAtOnce) {
  const auto result = run({"run", "-d", "--name", "none", "--", "no-such-program"});
  EXPECT_EQ(result.code(), 127) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no-such-program"));
  EXPECT_THAT(run({"ls", "-a"}).out, HasSubstr("Failed"));
  EXPECT_EQ(run({"run", "--restart", "always", "--", "true"}).code(), 2);
  EXPECT_EQ(run({"run", "-d", "--rm", "--restart", "always", "--", "true"}).code(), 125);
}

TEST_F(CareVmTest, PausesAndGoesOn) {
  ASSERT_EQ(run({"create", "--name", "p", "boxlite/base"}).code(), 0);
  ASSERT_EQ(run({"start", "p"}).code(), 0);
  EXPECT_EQ(run({"pause", "p"}).out, "p\n");
  EXPECT_THAT(run({"ls"}).out, HasSubstr("(Paused)"));
  EXPECT_EQ(run({"exec", "p", "true"}).code(), 125);
  EXPECT_EQ(run({"unpause", "p"}).code(), 0);
  EXPECT_EQ(run({"exec", "p", "true"}).code(), 0);
  EXPECT_THAT(run({"gc", "-n"}).out, HasSubstr("Would free"));
}

}  // namespace
}  // namespace boxlite::test
