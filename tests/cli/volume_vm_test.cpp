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

// A service that is not root finds its own below it. The second place is the image's, whose mode it has.
TEST_F(VolumeVmTest, MayBeEnteredByOthersUnlessTheImageSaysOtherwise) {
  const auto modes = run({"run", "--rm", "-v", "fresh:/new/place", "-v", "/anonymous", "--mount",
                          "type=volume,src=named,dst=/mounted", "-v", "own:/root", "--tmpfs", "/memory", "--",
                          "sh", "-c", "stat -c %a /new/place /anonymous /mounted /memory; stat -c %a /root"});
  const auto root = run({"run", "--rm", "--", "stat", "-c", "%a", "/root"}).out;
  EXPECT_EQ(modes.out, "755\n755\n755\n1777\n" + root) << modes.err;
  const auto kept =
      shell("mkdir -p /data/db && chown 101:101 /data/db && chmod 700 /data", {"-v", "fresh:/data"});
  ASSERT_EQ(kept.code(), 0) << kept.err;
  EXPECT_EQ(shell("stat -c '%a %u' /data /data/db", {"-v", "fresh:/data"}).out, "700 0\n755 101\n");
  EXPECT_EQ(run({"volume", "rm", "fresh", "named", "own"}).code(), 0);
}

}  // namespace
}  // namespace boxlite::test
