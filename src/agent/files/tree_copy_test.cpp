// SPDX-License-Identifier: Apache-2.0
#include "agent/files/tree_copy.h"

#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::agent {
namespace {

struct stat status_of(const std::filesystem::path& path) {
  struct stat status = {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

class TreeCopyTest : public testing::Test {
 protected:
  TreeCopyTest()
      : dir_(*TempDir::create(testing::TempDir(), "tree-")),
        from_(dir_.path() / "from"),
        to_(dir_.path() / "to") {
    EXPECT_TRUE(make_directories(from_ / "deep/deeper"));
    EXPECT_TRUE(make_directories(to_));
  }
  Result<void> copy() {
    const auto from = BOXLITE_TRY(open_file(from_, O_RDONLY | O_DIRECTORY));
    const auto to = BOXLITE_TRY(open_file(to_, O_RDONLY | O_DIRECTORY));
    return copy_tree(from.get(), to.get());
  }

  TempDir dir_;
  std::filesystem::path from_;
  std::filesystem::path to_;
};

TEST_F(TreeCopyTest, CopiesEverythingAsItIs) {
  ASSERT_TRUE(write_file_atomic(from_ / "deep/deeper/file", "content", 0640));
  ASSERT_EQ(::link((from_ / "deep/deeper/file").c_str(), (from_ / "second").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (from_ / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((from_ / "fifo").c_str(), 0600), 0);
  ASSERT_TRUE(write_file_atomic(from_ / "\xff odd\n", std::string(3'000'000, 'x'), 0600));
  ASSERT_EQ(::chmod(from_.c_str(), 01770), 0);
  const auto copied = copy();
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(read_file(to_ / "deep/deeper/file").value(), "content");
  EXPECT_EQ(status_of(to_ / "deep/deeper/file").st_mode & 07777u, 0640u);
  EXPECT_EQ(status_of(to_ / "deep/deeper/file").st_mtime, status_of(from_ / "deep/deeper/file").st_mtime);
  EXPECT_EQ(status_of(to_ / "second").st_ino, status_of(to_ / "deep/deeper/file").st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(to_ / "link"), "/etc/passwd");
  EXPECT_TRUE(S_ISFIFO(status_of(to_ / "fifo").st_mode));
  EXPECT_EQ(read_file(to_ / "\xff odd\n")->size(), 3'000'000u);
  EXPECT_EQ(status_of(to_).st_mode & 07777u, 01770u);
}

TEST_F(TreeCopyTest, KnowsAnEmptyDirectory) {
  const auto to = open_file(to_, O_RDONLY | O_DIRECTORY).value();
  EXPECT_TRUE(is_empty_directory(to.get()).value());
  ASSERT_TRUE(write_file_atomic(to_ / "x", ""));
  EXPECT_FALSE(is_empty_directory(to.get()).value());
}

}  // namespace
}  // namespace boxlite::agent
