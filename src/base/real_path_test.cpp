// SPDX-License-Identifier: Apache-2.0
#include "base/real_path.h"

#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RealPath : public testing::Test {
 protected:
  RealPath() : dir_(*TempDir::create(testing::TempDir(), "path-")) {
    EXPECT_TRUE(make_directories(at("w/data")));
    EXPECT_TRUE(make_directories(at("private")));
    link("w", "way");
    link(at("private"), "w/out");
    link("data", "w/in");
    link("loop", "loop");
  }
  std::filesystem::path at(const std::filesystem::path& name) const { return dir_.path() / name; }
  void link(const std::filesystem::path& target, const std::filesystem::path& name) const {
    EXPECT_EQ(::symlink(target.c_str(), at(name).c_str()), 0);
  }
  TempDir dir_;
};

TEST_F(RealPath, FollowsSymlinksOnceAndKeepsWhatIsNotThereYet) {
  EXPECT_EQ(real_path(at("way/in"), {}).value(), at("w/data"));
  EXPECT_EQ(real_path(at("w/out"), {}).value(), at("private"));
  EXPECT_EQ(real_path(at("way/../w/./none/x"), {}).value(), at("w/none/x"));
  EXPECT_EQ(real_path("/../..", {}).value(), "/");
  EXPECT_EQ(real_path(at("loop"), {}).error().os_error(), ELOOP);
}

TEST_F(RealPath, FollowsNoneThatABoxMayHaveMade) {
  EXPECT_EQ(real_path(at("way/data"), {at("w")}).value(), at("w/data")) << "the way there is ours";
  for (const char* name : {"w/out", "w/in", "way/out", "w/data/../out/key"}) {
    const auto refused = real_path(at(name), {at("elsewhere"), at("w")});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().message(), HasSubstr("is a symlink in a folder that a box may write"));
    EXPECT_THAT(refused.error().remedy(), Not(IsEmpty()));
  }
}

TEST_F(RealPath, OpensOnlyWhatIsNoSymlinkByNow) {
  EXPECT_TRUE(open_without_symlinks(at("w/data"), O_PATH));
  for (const char* name : {"w/out", "way/data"}) {
    const auto refused = open_without_symlinks(at(name), O_PATH);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_state);
    EXPECT_THAT(refused.error().message(), HasSubstr("has become a symlink"));
  }
  EXPECT_EQ(open_without_symlinks(at("none"), O_PATH).error().code(), ErrorCode::not_found);
}

TEST_F(RealPath, TellsWhatLiesBelow) {
  EXPECT_TRUE(is_below("/a/b", {"/x", "/a"}));
  EXPECT_TRUE(is_below("/a", {"/a"}));
  EXPECT_TRUE(is_below("/a", {"/"}));
  EXPECT_FALSE(is_below("/ab", {"/a"}));
  EXPECT_FALSE(is_below("/a", {"/a/b"}));
}

}  // namespace
}  // namespace boxlite
