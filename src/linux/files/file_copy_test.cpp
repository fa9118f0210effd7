// SPDX-License-Identifier: Apache-2.0
#include "linux/files/file_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::linux_ {
namespace {

class FileCopyTest : public testing::Test {
 protected:
  FileCopyTest() : dir_(*TempDir::create(testing::TempDir(), "copy-")) {}
  std::filesystem::path at(const char* name) const { return dir_.path() / name; }
  TempDir dir_;
};

TEST_F(FileCopyTest, KeepsDataAndHoles) {
  {
    const auto file = open_file(at("from"), O_WRONLY | O_CREAT);
    ASSERT_TRUE(file);
    ASSERT_EQ(::pwrite(file->get(), "begin", 5, 0), 5);
    ASSERT_EQ(::pwrite(file->get(), "middle", 6, 64 << 20), 6);
    ASSERT_EQ(::ftruncate(file->get(), 128 << 20), 0);
  }
  ASSERT_TRUE(copy_sparse(at("from"), at("to")));
  struct stat status = {};
  ASSERT_EQ(::stat(at("to").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 128 << 20);
  EXPECT_LT(status.st_blocks * 512, 1 << 20) << "the holes are holes";
  const auto copy = open_file(at("to"), O_RDONLY);
  char bytes[6] = {};
  ASSERT_EQ(::pread(copy->get(), bytes, 5, 0), 5);
  EXPECT_EQ(std::string_view(bytes, 5), "begin");
  ASSERT_EQ(::pread(copy->get(), bytes, 6, 64 << 20), 6);
  EXPECT_EQ(std::string_view(bytes, 6), "middle");
}

TEST_F(FileCopyTest, NeverWritesOverAFile) {
  ASSERT_TRUE(write_file_atomic(at("from"), "new"));
  ASSERT_TRUE(write_file_atomic(at("to"), "precious"));
  EXPECT_EQ(copy_sparse(at("from"), at("to")).error().os_error(), EEXIST);
  EXPECT_EQ(*read_file(at("to")), "precious");
  EXPECT_EQ(copy_sparse(at("missing"), at("other")).error().os_error(), ENOENT);
  EXPECT_FALSE(std::filesystem::exists(at("other")));
}

}  // namespace
}  // namespace boxlite::linux_
