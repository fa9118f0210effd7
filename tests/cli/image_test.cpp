// SPDX-License-Identifier: Apache-2.0
// Images from an archive to their removal, with the bundled image as the archive.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "support/temp_home.h"

namespace boxlite::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ImageTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = home_.runtime_dir() / "base-image.tar";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << ": the guest's files are not built";
    std::ifstream stream(file, std::ios::binary);
    archive_.assign(std::istreambuf_iterator<char>(stream), {});
  }
  TempHome home_{BOXLITE_PROGRAM};
  std::string archive_;
};

TEST_F(ImageTest, LoadsListsInspectsExportsAndRemovesAnImage) {
  const auto loaded = home_.run({"load", "--name", "mine:1"}, archive_);
  ASSERT_EQ(loaded.code(), 0) << loaded.err;
  EXPECT_EQ(loaded.out, "Loaded docker.io/library/mine:1\n");

  EXPECT_THAT(home_.run({"images"}).out,
              AllOf(StartsWith("REPOSITORY "), testing::ContainsRegex("\nmine  +1 ")));
  EXPECT_EQ(home_.run({"image", "inspect", "-f", "{{.Reference}}", "mine:1"}).out,
            "docker.io/library/mine:1\n");

  const auto directory = home_.directory() / "rootfs";
  const auto exported = home_.run({"image", "export-rootfs", "mine:1", directory.string()});
  EXPECT_EQ(exported.code(), 0) << exported.err;
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(directory / "bin")));
  EXPECT_EQ(home_.run({"image", "export-rootfs", "mine:1", directory.string()}).code(), 125);

  const auto removed = home_.run({"rmi", "mine:1"});
  EXPECT_EQ(removed.code(), 0) << removed.err;
  EXPECT_EQ(home_.run({"image", "inspect", "mine:1"}).code(), 125);
  EXPECT_THAT(home_.run({"images"}).out, Not(HasSubstr("mine")));
}

TEST_F(ImageTest, LoadsFromAFileNamedEitherWay) {
  const auto file = (home_.runtime_dir() / "base-image.tar").string();
  EXPECT_EQ(home_.run({"load", "-q", "-i", file, "--name", "a:1"}).out, "docker.io/library/a:1\n");
  EXPECT_EQ(home_.run({"load", "-q", file, "--name", "b:1"}).out, "docker.io/library/b:1\n");
  EXPECT_EQ(home_.run({"load", "-i", file, file}).code(), 2);
}

TEST_F(ImageTest, RefusesWhatIsNoImage) {
  for (const auto& bytes :
       {std::string(), std::string(100'000, 'x'), archive_.substr(0, archive_.size() / 2)}) {
    const auto result = home_.run({"load", "--name", "bad:1"}, bytes);
    EXPECT_EQ(result.code(), 125) << bytes.size();
    EXPECT_THAT(result.err, StartsWith("boxlite: "));
  }
  EXPECT_EQ(home_.run({"load", "-i", "/nonexistent.tar"}).code(), 125);
  EXPECT_THAT(home_.run({"images"}).out, Not(HasSubstr("bad")));
}

TEST_F(ImageTest, SaysWhatAPruneWouldRemoveAndKeepsIt) {
  ASSERT_EQ(home_.run({"load", "--name", "mine:1"}, archive_).code(), 0);
  const auto dry = home_.run({"image", "prune", "-a", "--dry-run"});
  EXPECT_EQ(dry.code(), 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("mine:1"), HasSubstr("Would free: ")));
  EXPECT_EQ(home_.run({"image", "inspect", "mine:1"}).code(), 0);
  EXPECT_THAT(home_.run({"image", "prune", "-a"}).out, HasSubstr("Freed: "));
  EXPECT_EQ(home_.run({"image", "inspect", "mine:1"}).code(), 125);
}

TEST_F(ImageTest, PruneKeepsTheImageOfABoxThatNeverStarted) {
  ASSERT_EQ(home_.run({"load", "--name", "mine:1"}, archive_).code(), 0);
  ASSERT_EQ(home_.run({"create", "--name", "waiting", "mine:1"}).code(), 0);
  EXPECT_EQ(home_.run({"image", "prune", "-a"}).code(), 0);
  EXPECT_EQ(home_.run({"image", "inspect", "mine:1"}).code(), 0);
  EXPECT_EQ(home_.run({"rmi", "mine:1"}).code(), 125);
}

TEST_F(ImageTest, NamesTheImageThatIsNotThere) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"rmi", "missing:1"},
                                             {"image", "inspect", "missing:1"},
                                             {"image", "export-rootfs", "missing:1", "/tmp/x"}}) {
    const auto result = home_.run(words);
    EXPECT_EQ(result.code(), 125);
    EXPECT_THAT(result.err, HasSubstr("missing"));
    EXPECT_THAT(result.out, testing::AnyOf(IsEmpty(), "[]\n"));
  }
}

TEST_F(ImageTest, SaysWhenALoadTakesANameOver) {
  const auto file = (home_.runtime_dir() / "base-image.tar").string();
  ASSERT_EQ(home_.run({"load", "-i", file, "--name", "mine:1"}).code(), 0);
  EXPECT_THAT(home_.run({"load", "-i", file, "--name", "mine:1"}).err, Not(HasSubstr("was the name")))
      << "the same";
  ProgramOptions packing;
  packing.words = {
      "/bin/sh", "-ec",
      "cd \"$1\"; head -c 10240 /dev/zero >layer.tar; sum=$(sha256sum layer.tar | cut -c1-64); "
      "echo '{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
      "[\"sha256:'$sum'\"]}}' >config.json; echo '[{\"Config\":\"config.json\",\"RepoTags\":[\"mine:1\"],"
      "\"Layers\":[\"layer.tar\"]}]' >manifest.json; tar cf other.tar manifest.json config.json layer.tar",
      "sh", home_.directory().string()};
  packing.environment = passed_environment();
  ASSERT_EQ(run_program(packing).code(), 0);
  const auto taken = home_.run({"load", (home_.directory() / "other.tar").string()});
  EXPECT_EQ(taken.code(), 0) << taken.err;
  EXPECT_THAT(taken.err, HasSubstr("docker.io/library/mine:1 was the name of image sha256:"));
}

}  // namespace
}  // namespace boxlite::test
