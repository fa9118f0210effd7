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
  EXPECT_EQ(run({"run", "-d", "--rm", "--", "no-such-program"}).code(), 127);
  EXPECT_EQ(run({"run", "-d", "--rm", "--", "/etc/passwd"}).code(), 126);
  EXPECT_EQ(run({"run", "--restart", "always", "--", "true"}).code(), 2);
  EXPECT_EQ(run({"run", "-d", "--rm", "--restart", "always", "--", "true"}).code(), 125);
}

TEST_F(CareVmTest, PruneAsksAndRemovesWhatIsDone) {
  ASSERT_EQ(run({"run", "--name", "done", "--", "sh", "-c", "head -c 3000000 /dev/urandom > /big"}).code(),
            0);
  ASSERT_EQ(run({"run", "-d", "--name", "busy", "--", "sleep", "1000"}).code(), 0);
  const auto id = run({"inspect", "-f", "{{.Id}}", "done"}).out;
  const auto usage = run({"system", "df", "--format", "json"});
  EXPECT_THAT(usage.out, HasSubstr("\"reclaimable_bytes\": ")) << usage.err;
  EXPECT_THAT(run({"system", "df"}).out, HasSubstr("RECLAIMABLE"));

  const auto refused = run({"prune"}, "n\n");
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr(id));
  EXPECT_EQ(run({"inspect", "done"}).code(), 0);
  const auto pruned = run({"prune"}, "y\n");
  EXPECT_EQ(pruned.code(), 0) << pruned.err;
  EXPECT_THAT(pruned.out, testing::AllOf(HasSubstr(id), HasSubstr("MB")));
  EXPECT_EQ(run({"inspect", "done"}).code(), 125);
  EXPECT_EQ(run({"exec", "busy", "echo", "still here"}).out, "still here\n");

  ASSERT_EQ(run({"rename", "busy", "idle"}).code(), 0);
  EXPECT_EQ(run({"exec", "idle", "true"}).code(), 0);
  EXPECT_EQ(run({"rm", "-f", "idle"}).code(), 0);
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
