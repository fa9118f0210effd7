// SPDX-License-Identifier: Apache-2.0
// The host's tree fails: the box is told what a program of the host would be, and goes on when the tree is
// back.
#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fileserver/test_folder.h"
#include "fileserver/test_listeners.h"

namespace boxlite::fileserver {
namespace {

// With a file system of its own in it, which the test can fill, seal and take away.
class HostFailure : public FolderFixture {
 protected:
  void SetUp() override {
    FolderFixture::SetUp();
    if (!folder_) return;
    std::filesystem::create_directory(host("d"));
    ASSERT_EQ(::mount("small", host("d").c_str(), "tmpfs", 0, "size=256k"), 0);
    put(host("d/a"), "1");
  }
  void TearDown() override {
    if (folder_) ::umount2(host("d").c_str(), MNT_DETACH);
    FolderFixture::TearDown();
  }
  static int errno_of_writing(int fd, std::size_t size) {
    const std::string text(size, 'x');
    const auto written = ::pwrite(fd, text.data(), text.size(), 0);
    return written == std::ssize(text) ? 0 : written < 0 ? errno : -1;
  }
  static int errno_of_opening(const std::filesystem::path& path, int flags) {
    const auto file = opened(path, flags);
    return file.is_open() ? 0 : errno;
  }
};

TEST_F(HostFailure, AFullDiskIsToldAndForgotten) {
  const auto file = opened(box("d/new"), O_RDWR | O_CREAT);
  put(host("d/large"), std::string(200'000, 'x'));
  const auto written = errno_of_writing(file.get(), 200'000);
  EXPECT_TRUE(written == ENOSPC || written == -1) << written << ": refused, or cut short as write(2) may";
  EXPECT_EQ(::fallocate(file.get(), 0, 0, 400'000), -1);
  EXPECT_EQ(errno, ENOSPC);
  std::filesystem::remove(host("d/large"));
  EXPECT_EQ(errno_of_writing(file.get(), 200'000), 0);
}

// Nobody is at the page when it is written: fsync tells.
TEST_F(HostFailure, AFullDiskIsToldOfMappedPagesByFsync) {
  const auto file = opened(box("d/new"), O_RDWR | O_CREAT);
  ASSERT_EQ(::ftruncate(file.get(), 100'000), 0);
  auto* const map =
      static_cast<char*>(::mmap(nullptr, 100'000, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  ASSERT_NE(map, MAP_FAILED);
  put(host("d/large"), std::string(400'000, 'x'));
  std::fill_n(map, 100'000, 'm');
  EXPECT_EQ(::fsync(file.get()), -1);
  EXPECT_EQ(errno, ENOSPC);
  ::munmap(map, 100'000);
}

TEST_F(HostFailure, AReadOnlyTreeIsToldAndForgotten) {
  const auto reading = opened(box("d/a"), O_RDONLY);
  ASSERT_TRUE(reading.is_open());
  ASSERT_EQ(::mount(nullptr, host("d").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(errno_of_opening(box("d/a"), O_RDWR), EROFS);
  EXPECT_EQ(errno_of_opening(box("d/new"), O_RDWR | O_CREAT), EROFS);
  EXPECT_EQ(::unlink(box("d/a").c_str()), -1);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(::chmod(box("d/a").c_str(), 0600), -1);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(read_at(reading.get(), 1, 0), "1");
  ASSERT_EQ(::mount(nullptr, host("d").c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  EXPECT_EQ(errno_of_opening(box("d/a"), O_RDWR), 0);
  EXPECT_EQ(::unlink(box("d/a").c_str()), 0);
}

TEST_F(HostFailure, ATreeThatIsRemovedIsGoneAndComesBack) {
  std::filesystem::create_directories(host("e/f"));
  put(host("e/f/a"), "1");
  const auto file = opened(box("e/f/a"), O_RDWR);
  std::filesystem::remove_all(host("e"));
  EXPECT_TRUE(comes([&] { return errno_of_opening(box("e/f/a"), O_RDONLY) == ENOENT; }));
  EXPECT_EQ(::mkdir(box("e/f/g").c_str(), 0755), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(errno_of_writing(file.get(), 1), 0);
  std::filesystem::create_directories(host("e/f"));
  put(host("e/f/a"), "2");
  EXPECT_TRUE(comes([&] { return text_of(box("e/f/a")) == "2"; }));
  put(box("e/f/b"), "3");
  EXPECT_EQ(text_of(host("e/f/b")), "3");
}

}  // namespace
}  // namespace boxlite::fileserver
