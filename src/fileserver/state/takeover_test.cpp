// SPDX-License-Identifier: Apache-2.0
// A server ends, another one goes on with its state, and the guest's kernel notices nothing.
#include <array>
#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fileserver/test_folder.h"
#include "fileserver/test_listeners.h"

namespace boxlite::fileserver {
namespace {

class Takeover : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    folder_.emplace(FolderRules{}, true);
  }
  std::filesystem::path host(const char* name) const { return folder_->host() / name; }
  std::filesystem::path box(const char* name) const { return folder_->box() / name; }
  void take_over() const {
    folder_->suspend();
    folder_->resume();
  }
  static int errno_of_reading(const UniqueFd& file) {
    char letter = 0;
    return ::pread(file.get(), &letter, 1, 0) < 0 ? errno : 0;
  }

  std::optional<MountedFolder> folder_;
};

TEST_F(Takeover, OpenFilesGoOn) {
  put(box("a"), "one two");
  const auto file = opened(box("a"), O_RDWR);
  std::array<char, 3> first{};
  ASSERT_EQ(::read(file.get(), first.data(), 3), 3);
  const auto appending = opened(box("a"), O_WRONLY | O_APPEND);
  auto* const map = static_cast<char*>(::mmap(nullptr, 7, PROT_READ, MAP_SHARED, file.get(), 0));
  ASSERT_NE(map, MAP_FAILED);
  take_over();
  EXPECT_EQ(::write(file.get(), "-", 1), 1);
  EXPECT_EQ(::write(appending.get(), "!", 1), 1);
  EXPECT_EQ(text_of(host("a")), "one-two!");
  EXPECT_EQ(map[3], '-');
  EXPECT_EQ(::ftruncate(file.get(), 3), 0);
  EXPECT_EQ(text_of(box("a")), "one");
  ::munmap(map, 7);
}

TEST_F(Takeover, DirectoriesGoOn) {
  std::filesystem::create_directories(host("d/e"));
  for (int i = 0; i < 400; ++i) put(host("d/e") / concat("a longer name ", i), "");
  const auto root = opened("/", O_RDONLY);
  ASSERT_EQ(::chdir(box("d/e").c_str()), 0);
  std::filesystem::directory_iterator entries(".");
  ++entries;
  take_over();
  EXPECT_EQ(std::distance(entries, {}), 399);
  EXPECT_EQ(std::filesystem::current_path(), box("d/e"));
  put("new", "x");
  EXPECT_EQ(text_of(host("d/e/new")), "x");
  EXPECT_EQ(::fchdir(root.get()), 0);
}

TEST_F(Takeover, WhatChangedMeanwhileIsStaleAndNothingElse) {
  for (const auto* name : {"gone", "replaced", "changed", "same"}) put(host(name), "before");
  const auto gone = opened(box("gone"), O_RDONLY);
  const auto replaced = opened(box("replaced"), O_RDONLY);
  const auto changed = opened(box("changed"), O_RDONLY);
  const auto same = opened(box("same"), O_RDWR);
  const auto nameless = opened(box("nameless"), O_RDWR | O_CREAT);
  ASSERT_EQ(::unlink(box("nameless").c_str()), 0);
  for (const auto* file : {&changed, &same}) EXPECT_EQ(read_at(file->get(), 9, 0), "before");
  EXPECT_FALSE(std::filesystem::exists(box("new")));
  folder_->suspend();
  std::filesystem::remove(host("gone"));
  put(host("other"), "after, and longer");
  std::filesystem::rename(host("other"), host("replaced"));
  put(host("changed"), "after");
  put(host("new"), "new");
  folder_->resume();
  EXPECT_EQ(errno_of_reading(gone), ESTALE);
  EXPECT_EQ(errno_of_reading(replaced), ESTALE);
  EXPECT_EQ(::pwrite(nameless.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, ESTALE) << "it was without a name, and nobody kept it";
  EXPECT_TRUE(comes([&] { return text_of(box("replaced")) == "after, and longer"; }));
  EXPECT_TRUE(comes([&] { return read_at(changed.get(), 9, 0) == "after"; }));
  EXPECT_TRUE(comes([&] { return text_of(box("new")) == "new"; }));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("gone")); }));
  EXPECT_EQ(::pwrite(same.get(), "B", 1, 0), 1);
  EXPECT_EQ(text_of(host("same")), "Before");
}

TEST_F(Takeover, LocksHoldAgain) {
  put(host("a"), "");
  const auto here = opened(host("a"), O_RDWR);
  const auto there = opened(box("a"), O_RDWR);
  ASSERT_EQ(::flock(there.get(), LOCK_EX), 0);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_start = 10;
  range.l_len = 5;
  ASSERT_EQ(::fcntl(there.get(), F_SETLK, &range), 0);
  take_over();
  EXPECT_EQ(::pwrite(there.get(), "x", 1, 0), 1);
  EXPECT_EQ(::flock(here.get(), LOCK_EX | LOCK_NB), -1);
  EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), -1);
  range.l_start = 15;
  EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), 0);
  EXPECT_EQ(::flock(there.get(), LOCK_UN), 0);
  EXPECT_EQ(::flock(here.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(Takeover, WhoLostALockIsTold) {
  for (const auto* name : {"a", "b"}) put(host(name), "1");
  const auto taken = opened(box("a"), O_RDWR);
  const auto written = opened(box("b"), O_RDWR);
  ASSERT_EQ(::flock(taken.get(), LOCK_EX), 0);
  struct flock range = {};
  range.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(written.get(), F_SETLK, &range), 0);
  folder_->suspend();
  const auto here = opened(host("a"), O_RDWR);
  ASSERT_EQ(::flock(here.get(), LOCK_EX | LOCK_NB), 0);
  std::ofstream(host("b"), std::ios::app) << "2";
  folder_->resume();
  EXPECT_EQ(::pwrite(taken.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, ESTALE);
  EXPECT_EQ(::pwrite(written.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, ESTALE);
  const auto again = opened(box("b"), O_RDWR);
  EXPECT_EQ(::pwrite(again.get(), "x", 1, 0), 1);
}

TEST_F(Takeover, WhoWaitsForALockGoesOnWaiting) {
  put(host("a"), "");
  const auto here = opened(host("a"), O_RDWR);
  ASSERT_EQ(::flock(here.get(), LOCK_EX), 0);
  const Waiting waiting(box("a"));
  EXPECT_EQ(waiting.next(), 'w');
  EXPECT_TRUE(waiting.says_nothing());
  take_over();
  EXPECT_TRUE(waiting.says_nothing());
  ASSERT_EQ(::flock(here.get(), LOCK_UN), 0);
  EXPECT_EQ(waiting.next(), 'y');
}

TEST_F(Takeover, WatchersHearTheHostAfterwards) {
  put(host("a"), "1");
  EXPECT_EQ(text_of(box("a")), "1");
  Listener listener(folder_->box());
  take_over();
  // That is asked for always: the other one answers by now.
  (void)std::filesystem::space(folder_->box());
  put(host("new"), "x");
  std::filesystem::remove(host("a"));
  EXPECT_THAT(listener.hear({"create new", "delete a"}), ::testing::IsSupersetOf({"create new", "delete a"}));
}

}  // namespace
}  // namespace boxlite::fileserver
