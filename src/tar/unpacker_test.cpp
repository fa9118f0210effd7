// SPDX-License-Identifier: Apache-2.0
// Archives that mean no good.
#include <gmock/gmock.h>

#include "tar/test_tar.h"
#include "tar/test_tree.h"

namespace boxlite::tar {
namespace {

using ::testing::HasSubstr;
using testing::Scratch;
using testing::TestTar;
namespace fs = std::filesystem;

class UnpackerTest : public ::testing::Test {
 protected:
  UnpackerTest() {
    scratch_.directory("dst");
    scratch_.directory("outside");
    scratch_.write("outside/secret", "secret");
  }
  Result<UnpackReport> unpack(const TestTar& tar, const UnpackOptions& options = {}) {
    return testing::unpack_all(tar.finish(), scratch_.path("dst"), options);
  }
  // Nothing came into it, and what was there is as it was.
  void expect_outside_untouched() {
    EXPECT_EQ(std::distance(fs::directory_iterator(scratch_.path("outside")), {}), 1);
    EXPECT_EQ(scratch_.read("outside/secret"), "secret");
  }
  Scratch scratch_;
};

TEST_F(UnpackerTest, RefusesNamesThatLeadOut) {
  for (const auto* name : {"../outside/x", "a/../../outside/x", "..", "a/.."}) {
    EXPECT_EQ(unpack(TestTar().file(name, "x")).error().code(), ErrorCode::corrupted) << name;
  }
  expect_outside_untouched();
}

TEST_F(UnpackerTest, TakesAbsoluteNamesAsRelative) {
  ASSERT_TRUE(unpack(TestTar().file("/etc/boxlite-test", "x")));
  EXPECT_EQ(scratch_.read("dst/etc/boxlite-test"), "x");
  EXPECT_FALSE(fs::exists("/etc/boxlite-test"));
}

TEST_F(UnpackerTest, WritesThroughNoSymlink) {
  const auto outside = scratch_.path("outside").native();
  EXPECT_FALSE(unpack(TestTar().symlink("s", outside).file("s/x", "x")));
  EXPECT_FALSE(unpack(TestTar().symlink("d", outside).directory("d").file("d/x", "x")));
  EXPECT_FALSE(unpack(TestTar().symlink("up", "..").file("up/outside/x", "x")));
  fs::create_directory_symlink(outside, scratch_.path("dst/there"));
  const auto through = unpack(TestTar().file("there/x", "x"));
  ASSERT_FALSE(through);
  EXPECT_THAT(through.error().message(), HasSubstr("symlink"));
  expect_outside_untouched();
}

TEST_F(UnpackerTest, ReplacesASymlinkInsteadOfFollowingIt) {
  fs::create_symlink(scratch_.path("outside/secret"), scratch_.path("dst/f"));
  ASSERT_TRUE(unpack(TestTar().file("f", "mine")));
  EXPECT_EQ(scratch_.read("dst/f"), "mine");
  ASSERT_TRUE(unpack(TestTar().symlink("g", scratch_.path("outside/secret")).file("g", "mine")));
  EXPECT_EQ(scratch_.read("dst/g"), "mine");
  expect_outside_untouched();
}

TEST_F(UnpackerTest, LinksToNothingOutside) {
  EXPECT_FALSE(unpack(TestTar().hard_link("h", "../outside/secret")));
  EXPECT_FALSE(unpack(TestTar().hard_link("h", scratch_.path("outside/secret"))));
  EXPECT_FALSE(unpack(TestTar().symlink("s", scratch_.path("outside")).hard_link("h", "s/secret")));
  EXPECT_FALSE(fs::exists(scratch_.path("dst/h")));
  // A link to a symlink is the symlink, not what it leads to; writing it replaces it.
  ASSERT_TRUE(
      unpack(TestTar().symlink("l", scratch_.path("outside/secret")).hard_link("k", "l").file("k", "mine")));
  expect_outside_untouched();
}

TEST_F(UnpackerTest, MakesNoDevicesAndNoSetIdFilesUnlessTold) {
  const auto done = unpack(TestTar()
                               .add({.name = "null", .type = '3', .device_major = 1, .device_minor = 3})
                               .file("suid", "x", 06755)
                               .directory("sticky", 03777));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->skipped_special, 1u);
  EXPECT_FALSE(fs::exists(scratch_.path("dst/null")));
  EXPECT_EQ(scratch_.status("dst/suid").st_mode & 07777, 0755u);
  EXPECT_EQ(scratch_.status("dst/sticky").st_mode & 07777, 01777u);
}

TEST_F(UnpackerTest, LeavesNoHalfFileOfAnArchiveThatLies) {
  TestTar tar;
  tar.add_header({.name = "big"}, std::uint64_t{1} << 32);
  EXPECT_FALSE(testing::unpack_all(tar.bytes() + "short", scratch_.path("dst")));
  EXPECT_FALSE(fs::exists(scratch_.path("dst/big")));
  TestTar sparse;
  sparse.add({.name = "s",
              .content = "x",
              .pax = {{"GNU.sparse.major", "0"}, {"GNU.sparse.map", "99,1"}, {"GNU.sparse.size", "5"}}});
  EXPECT_FALSE(unpack(sparse));
}

TEST_F(UnpackerTest, KeepsToTheLimit) {
  const auto done = unpack(TestTar().file("a", std::string(600, 'a')).file("b", std::string(600, 'b')),
                           {.max_bytes = 1000});
  EXPECT_EQ(done.error().code(), ErrorCode::resource_exhausted);
  EXPECT_FALSE(fs::exists(scratch_.path("dst/b")));
}

TEST_F(UnpackerTest, NeverPutsAFileInThePlaceOfADirectory) {
  scratch_.directory("dst/d");
  EXPECT_FALSE(unpack(TestTar().file("d", "x")));
  scratch_.write("dst/f", "x");
  EXPECT_FALSE(unpack(TestTar().directory("f")));
  EXPECT_FALSE(unpack(TestTar().file(".", "x")));
}

TEST_F(UnpackerTest, MakesDirectoriesThatTheArchiveDoesNotMention) {
  ASSERT_TRUE(unpack(TestTar().file("a/b/c", "x").file("a/d", "y")));
  EXPECT_EQ(scratch_.read("dst/a/b/c"), "x");
  EXPECT_EQ(scratch_.read("dst/a/d"), "y");
}

}  // namespace
}  // namespace boxlite::tar
