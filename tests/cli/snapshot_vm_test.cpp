// SPDX-License-Identifier: Apache-2.0
// Saved machines from the command line. The home is shared with other tests, which make some of their own.
#include <chrono>

#include "base/files.h"
#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SnapshotVmTest : public VmTest {};

TEST_F(SnapshotVmTest, WarmsUpListsAndPrunesThem) {
  ASSERT_EQ(run({"snapshot", "prune"}).code(), 0);
  EXPECT_THAT(run({"snapshot", "ls", "-q"}).out, IsEmpty());
  const auto warmed = run({"warm", "--memory", "256m"});
  ASSERT_EQ(warmed.code(), 0) << warmed.err;
  EXPECT_THAT(run({"ls", "-a", "-q", "-f", "status=configured"}).out, IsEmpty()) << "no box stays";
  const auto list = run({"snapshot", "ls"}).out;
  EXPECT_THAT(list, HasSubstr("first starts of an image"));
  EXPECT_THAT(list, HasSubstr("all starts"));
  EXPECT_THAT(run({"snapshot", "ls", "--format", "json"}).out, HasSubstr("\"has_image\": true"));
  EXPECT_EQ(run({"machine", "ls", "-q"}).out, run({"snapshot", "ls", "-q"}).out) << "the old word";
  EXPECT_THAT(run({"snapshot", "prune", "-n"}).out, HasSubstr("Would free"));
  EXPECT_THAT(run({"snapshot", "ls", "-q"}).out, Not(IsEmpty()));
  EXPECT_THAT(run({"snapshot", "prune"}).out, HasSubstr("Freed"));
  EXPECT_THAT(run({"snapshot", "ls", "-q"}).out, IsEmpty());
  EXPECT_EQ(run({"warm", "no-such-image:1", "--pull", "never"}).code(), 125);
}

// Templates lie in files, which may be larger than the memory: such a box would wait for one that never comes
// up.
TEST_F(SnapshotVmTest, MoreMemoryThanTheHostGivesIsRefusedAtOnce) {
  if (read_file("/proc/sys/vm/overcommit_memory").value().starts_with('1'))
    GTEST_SKIP() << "this host promises any memory (vm.overcommit_memory=1)";
  const auto refused = run({"run", "--rm", "-m", "1024g", "--", "true"});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("1048576 MiB of memory: the host, which has"));
  EXPECT_THAT(refused.err, HasSubstr("--memory"));
  EXPECT_LT(refused.duration, std::chrono::seconds(10));
  EXPECT_THAT(run({"ls", "-aq"}).out, IsEmpty());
}

}  // namespace
}  // namespace boxlite::test
