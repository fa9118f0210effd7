// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileserver/test_folder.h"

namespace boxlite::fileserver {
namespace {

class FileServer : public FolderFixture {};

TEST_F(FileServer, BothSidesSeeTheSameFiles) {
  put(host("a"), "from the host");
  EXPECT_EQ(text_of(box("a")), "from the host");
  put(box("b"), "from the box");
  EXPECT_EQ(text_of(host("b")), "from the box");
  std::filesystem::create_directory(box("d"));
  put(box("d/x"), "1");
  std::filesystem::rename(box("d"), box("e"));
  EXPECT_EQ(text_of(host("e/x")), "1");
  std::filesystem::remove_all(box("e"));
  EXPECT_FALSE(std::filesystem::exists(host("e")));
}

TEST_F(FileServer, AFileRemovedWhileOpenIsWhole) {
  const UniqueFd file(::open(box("x").c_str(), O_RDWR | O_CREAT, 0644));
  const std::string text(8192, 'a');
  ASSERT_EQ(::write(file.get(), text.data(), text.size()), 8192);
  ASSERT_EQ(::unlink(box("x").c_str()), 0);
  struct stat status = {};
  EXPECT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_EQ(status.st_size, 8192);
  EXPECT_EQ(::ftruncate(file.get(), 4096), 0);
  EXPECT_EQ(::fchmod(file.get(), 0600), 0);
  auto* map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  *static_cast<char*>(map) = 'b';
  EXPECT_EQ(::msync(map, 4096, MS_SYNC), 0);
  char first = 0;
  EXPECT_EQ(::pread(file.get(), &first, 1, 0), 1);
  EXPECT_EQ(first, 'b');
  ::munmap(map, 4096);
}

TEST_F(FileServer, ManyFilesLeaveNothingBehind) {
  const auto descriptors = [&] {
    const std::filesystem::directory_iterator all(concat("/proc/", folder_->server(), "/fd"));
    return std::distance(begin(all), end(all));
  };
  const auto before = descriptors();
  for (int i = 0; i < 1000; ++i) put(folder_->box() / concat(i), "text");
  std::filesystem::remove_all(folder_->box() / "d");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_->host()), {}), 1000);
  EXPECT_LT(descriptors(), before + 10);
}

TEST_F(FileServer, WhatIsAskedOfAServerThatIsGoneFails) {
  put(host("a"), "1");
  const UniqueFd file(::open(box("a").c_str(), O_RDONLY));
  folder_->kill_server();
  char letter = 0;
  EXPECT_EQ(::pread(file.get(), &letter, 1, 0), -1);
  EXPECT_EQ(::open(box("b").c_str(), O_RDONLY), -1);
  EXPECT_TRUE(errno == ENOTCONN || errno == ECONNABORTED) << errno;
}

}  // namespace
}  // namespace boxlite::fileserver
