// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class VolumeVmTest : public VmTest {};

TEST_F(VolumeVmTest, OutlivesTheBoxesThatUseItOneAfterTheOther) {
  ASSERT_EQ(run({"volume", "create", "cache"}).out, "cache\n");
  const auto written = run(
      {"run", "--name", "first", "-v", "cache:/srv/cache", "--", "sh", "-c", "echo kept > /srv/cache/file"});
  ASSERT_EQ(written.code(), 0) << written.err;
  const auto read = run({"run", "--rm", "-v", "cache:/mnt:ro", "--", "sh", "-c",
                         "cat /mnt/file; echo x > /mnt/file || echo refused"});
  EXPECT_EQ(read.out, "kept\nrefused\n") << read.err;

  EXPECT_THAT(run({"volume", "ls"}).out, HasSubstr("cache"));
  const auto first = run({"inspect", "-f", "{{.Id}}", "first"}).out;
  EXPECT_THAT(run({"volume", "inspect", "cache"}).out, HasSubstr(first.substr(0, first.size() - 1)));
  const auto refused = run({"volume", "rm", "cache"});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("uses it"));
  EXPECT_THAT(run({"volume", "prune", "-a"}).out, Not(HasSubstr("cache")));

  ASSERT_EQ(run({"rm", "first"}).code(), 0);
  EXPECT_THAT(run({"volume", "prune"}).out, Not(HasSubstr("cache"))) << "it has a name";
  EXPECT_THAT(run({"volume", "prune", "-a"}).out, HasSubstr("cache"));
  EXPECT_THAT(run({"volume", "ls", "-q"}).out, Not(HasSubstr("cache")));
  EXPECT_EQ(run({"volume", "inspect", "cache"}).code(), 125);
}

TEST_F(VolumeVmTest, IsFilledWithWhatTheImageHasThere) {
  const auto image = run({"run", "--rm", "--", "cat", "/etc/passwd", "/etc/group"}).out;
  const auto filled = run({"run", "--rm", "-v", "etc:/etc", "--", "cat", "/etc/passwd", "/etc/group"});
  ASSERT_NE(image, "");
  EXPECT_EQ(filled.out, image) << filled.err;
  EXPECT_EQ(run({"volume", "rm", "etc"}).out, "etc\n");
}

}  // namespace
}  // namespace boxlite::test
