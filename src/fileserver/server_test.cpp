// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <functional>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

// As on a plain directory, which is asked as well.
TEST_F(FileServer, SetIdBitsGoWhenAUserWrites) {
  const TempDir plain = *TempDir::create(std::filesystem::temp_directory_path(), "boxlite-plain-");
  using Doing = std::function<bool(const char*)>;
  const std::vector<Doing> doings{
      [](const char* path) { return ::write(::open(path, O_WRONLY), "x", 1) == 1; },
      [](const char* path) { return ::truncate(path, 1) == 0; },
      [](const char* path) { return ::open(path, O_WRONLY | O_TRUNC) >= 0; },
      [](const char* path) { return ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0; },
      [](const char* path) { return ::fallocate(::open(path, O_WRONLY), 0, 0, 100) == 0; },
      [](const char* path) { return ::chmod(path, 06777) != 0; }};
  // A user has to come to the files.
  for (auto above = folder_->box(); above != std::filesystem::temp_directory_path();
       above = above.parent_path())
    (void)::chmod(above.c_str(), 0777);
  const auto mode_after = [](const std::filesystem::path& file, mode_t mode, const Doing& doing) {
    put(file, "text");
    EXPECT_EQ(::chmod(file.c_str(), mode), 0);
    const auto child = ::fork();
    if (child == 0) ::_exit(::setresuid(1000, 1000, 1000) == 0 && doing(file.c_str()) ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << file;
    const auto done = std::filesystem::status(file).permissions();
    std::filesystem::remove(file);
    return done;
  };
  std::filesystem::permissions(plain.path(), std::filesystem::perms::all);
  for (const mode_t mode : {06777u, 04777u, 02767u, 06677u}) {
    for (std::size_t i = 0; i < doings.size(); ++i)
      EXPECT_EQ(mode_after(box("s"), mode, doings[i]), mode_after(plain.path() / "s", mode, doings[i]))
          << i << " " << mode;
  }
  for (const mode_t mode : {06777u, 02767u}) {
    put(box("s"), "");
    put(plain.path() / "s", "");
    for (const auto& file : {box("s"), plain.path() / "s"})
      EXPECT_TRUE(::chmod(file.c_str(), mode) == 0 && ::chown(file.c_str(), 1, 1) == 0);
    EXPECT_EQ(std::filesystem::status(box("s")).permissions(),
              std::filesystem::status(plain.path() / "s").permissions());
  }
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

TEST_F(FileServer, AFolderHasMoreFilesThanAGuestMayKnow) {
  const MountedFolder folder({}, false, 3000);
  for (const auto* name : {"d", "e"}) {
    std::filesystem::create_directory(folder.host() / name);
    for (int i = 0; i < 2000; ++i) put(folder.host() / name / concat(i), "");
  }
  const UniqueFd held(::open((folder.box() / "d/0").c_str(), O_RDONLY));
  for (const auto* name : {"d", "e"})
    for (int i = 0; i < 2000; ++i) {
      struct stat status = {};
      ASSERT_EQ(::stat((folder.box() / name / concat(i)).c_str(), &status), 0) << name << i << ": " << errno;
    }
  char letter = 0;
  EXPECT_EQ(::pread(held.get(), &letter, 1, 0), 0);
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

// The first part of a long listing tells attributes, the rest does not.
TEST(FileServerVolume, ListingsTellWhatIsSpecialInTheBoxOnly) {
  if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
  const MountedFolder volume({.is_volume = true});
  constexpr int count = 400;
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(::mkfifo((volume.box() / concat(std::string(200, 'n'), i)).c_str(), 0600), 0);
  auto* const listing = ::opendir(volume.box().c_str());
  ASSERT_NE(listing, nullptr);
  int fifos = 0;
  while (const auto* entry = ::readdir(listing))
    if (entry->d_type == DT_FIFO) ++fifos;
  ::closedir(listing);
  EXPECT_EQ(fifos, count);
}

// A fifo is its maker's, and can be given to somebody else, whoever has it on the host.
TEST(FileServerVolume, FifosAndSocketsHaveOwners) {
  if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
  if (why_not_as_a_user() != nullptr) GTEST_SKIP() << why_not_as_a_user();
  const MountedFolder volume({.is_volume = true}, false, 0, 1000);
  const auto fifo = volume.box() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(::chown(fifo.c_str(), 33, 34), 0);
  struct stat status = {};
  ASSERT_EQ(::lstat(fifo.c_str(), &status), 0);
  EXPECT_TRUE(S_ISFIFO(status.st_mode));
  EXPECT_EQ(status.st_uid, 33u);
  EXPECT_EQ(status.st_gid, 34u);
  const UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const UniqueFd writer(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  char letter = 0;
  EXPECT_EQ(::write(writer.get(), "x", 1), 1);
  EXPECT_EQ(::read(reader.get(), &letter, 1), 1);
}

}  // namespace
}  // namespace boxlite::fileserver
