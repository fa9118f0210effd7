// SPDX-License-Identifier: Apache-2.0
// What the host does is seen in the box, and heard by those who watch there; what both do survives.
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileserver/test_folder.h"
#include "fileserver/test_listeners.h"

namespace boxlite::fileserver {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;

class Coherence : public FolderFixture {
 protected:
  // A file of the host that the host has locked.
  UniqueFd locked_by_the_host(const char* name) const;
};

UniqueFd Coherence::locked_by_the_host(const char* name) const {
  put(host(name), "");
  auto file = opened(host(name), O_RDWR);
  EXPECT_EQ(::flock(file.get(), LOCK_EX), 0);
  return file;
}

// -1: it cannot be asked.
int links_of(int fd) {
  struct stat status = {};
  return ::fstat(fd, &status) == 0 ? static_cast<int>(status.st_nlink) : -1;
}

TEST_F(Coherence, AnOpenFileShowsWhatTheHostAppends) {
  put(host("a"), "one\n");
  const auto file = opened(box("a"), O_RDWR);
  EXPECT_EQ(read_at(file.get(), 100, 0), "one\n");
  std::ofstream(host("a"), std::ios::app) << "two\n";
  EXPECT_TRUE(comes([&] { return read_at(file.get(), 100, 0) == "one\ntwo\n"; }));
  EXPECT_EQ(::pwrite(file.get(), "O", 1, 0), 1);
  EXPECT_EQ(text_of(host("a")), "One\ntwo\n");
}

// Of the same length, and within one step of the file system's clock.
TEST_F(Coherence, AHostWriteRightAfterTheBoxsIsSeen) {
  put(host("a"), "0000");
  const auto of_box = opened(box("a"), O_RDWR);
  const auto of_host = opened(host("a"), O_RDWR);
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(read_at(of_box.get(), 4, 0).size(), 4);
    ASSERT_EQ(::pwrite(of_box.get(), "box!", 4, 0), 4);
    ASSERT_EQ(::pwrite(of_host.get(), "host", 4, 0), 4);
    ASSERT_TRUE(comes([&] { return read_at(of_box.get(), 4, 0) == "host"; })) << round;
  }
}

TEST_F(Coherence, AMappingShowsWhatTheHostWrites) {
  put(host("a"), std::string(8192, 'a'));
  const auto file = opened(box("a"), O_RDONLY);
  auto* const map = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, file.get(), 0));
  ASSERT_NE(map, MAP_FAILED);
  const volatile char* const second = map + 4096;
  EXPECT_EQ(*second, 'a');
  const auto other = opened(host("a"), O_WRONLY);
  EXPECT_EQ(::pwrite(other.get(), "b", 1, 4096), 1);
  EXPECT_TRUE(comes([&] { return *second == 'b'; }));
  ::munmap(map, 8192);
}

TEST_F(Coherence, NamesComeAndGo) {
  put(host("a"), "first");
  EXPECT_EQ(text_of(box("a")), "first");
  EXPECT_FALSE(std::filesystem::exists(box("new")));
  put(host("new"), "x");
  EXPECT_TRUE(comes([&] { return std::filesystem::exists(box("new")); }));
  put(host("b"), "second, and longer");
  std::filesystem::rename(host("b"), host("a"));
  EXPECT_TRUE(comes([&] { return text_of(box("a")) == "second, and longer"; }));
  std::filesystem::remove(host("new"));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("new")); }));
}

TEST_F(Coherence, AttributesFollowTheHost) {
  put(host("a"), "1");
  EXPECT_EQ(std::filesystem::status(box("a")).permissions(),
            std::filesystem::status(host("a")).permissions());
  ::chmod(host("a").c_str(), 0600);
  EXPECT_TRUE(comes([&] {
    struct stat status = {};
    return ::stat(box("a").c_str(), &status) == 0 && (status.st_mode & 0777) == 0600;
  }));
}

// No directory above it tells of it.
TEST_F(Coherence, AttributesOfTheFolderItselfFollowTheHost) {
  struct stat status = {};
  EXPECT_FALSE(std::filesystem::exists(box("none")));
  ASSERT_EQ(::stat(folder_->box().c_str(), &status), 0);
  ::chmod(folder_->host().c_str(), 0711);
  EXPECT_TRUE(
      comes([&] { return ::stat(folder_->box().c_str(), &status) == 0 && (status.st_mode & 0777) == 0711; }));
}

TEST_F(Coherence, AFileShowsWhatTheHostWritesByAnotherName) {
  put(host("a"), "one\n");
  const auto file = opened(box("a"), O_RDONLY);
  struct stat status = {};
  EXPECT_EQ(read_at(file.get(), 100, 0), "one\n");
  ASSERT_EQ(::stat(box("a").c_str(), &status), 0);
  std::filesystem::create_hard_link(host("a"), host("b"));
  EXPECT_TRUE(comes([&] { return ::stat(box("a").c_str(), &status) == 0 && status.st_nlink == 2; }));
  std::ofstream(host("b"), std::ios::app) << "two\n";
  EXPECT_TRUE(comes([&] { return ::stat(box("a").c_str(), &status) == 0 && status.st_size == 8; }));
  EXPECT_TRUE(comes([&] { return read_at(file.get(), 100, 0) == "one\ntwo\n"; }));
}

// What the box has open, and the host takes the name of, is an open file like any other.
TEST_F(Coherence, AnOpenFileIsWholeWhenTheHostHasRemovedIt) {
  put(host("a"), "text");
  const auto file = opened(box("a"), O_RDWR);
  EXPECT_EQ(links_of(file.get()), 1);
  std::filesystem::remove(host("a"));
  EXPECT_TRUE(comes([&] { return links_of(file.get()) == 0; }));
  EXPECT_TRUE(comes([&] { return ::fchmod(file.get(), 0600) == 0; }));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("a")); }));
  EXPECT_EQ(read_at(file.get(), 100, 0), "text");
}

TEST_F(Coherence, AnOpenFileIsWholeWhenTheHostHasReplacedIt) {
  put(host("a"), "text");
  put(host("b"), "other");
  const auto file = opened(box("a"), O_RDWR);
  EXPECT_EQ(links_of(file.get()), 1);
  std::filesystem::rename(host("b"), host("a"));
  EXPECT_TRUE(comes([&] { return links_of(file.get()) == 0; }));
  EXPECT_TRUE(comes([&] { return ::fchmod(file.get(), 0600) == 0; }));
  EXPECT_EQ(read_at(file.get(), 100, 0), "text");
  EXPECT_EQ(text_of(box("a")), "other");
}

TEST_F(Coherence, AnOpenFileShowsWhatTheHostAppendsWhereverItWasMoved) {
  put(host("a"), "one\n");
  const auto file = opened(box("a"), O_RDONLY);
  EXPECT_EQ(read_at(file.get(), 100, 0), "one\n");
  std::filesystem::create_directory(host("unknown"));
  std::filesystem::rename(host("a"), host("unknown/b"));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("a")); }));
  EXPECT_EQ(links_of(file.get()), 1);
  std::ofstream(host("unknown/b"), std::ios::app) << "two\n";
  EXPECT_TRUE(comes([&] { return read_at(file.get(), 100, 0) == "one\ntwo\n"; }));
}

TEST_F(Coherence, TheNumberOfNamesFollowsTheHost) {
  put(host("a"), "text");
  const auto file = opened(box("a"), O_RDONLY);
  EXPECT_EQ(links_of(file.get()), 1);
  EXPECT_FALSE(std::filesystem::exists(box("b")));
  std::filesystem::create_hard_link(host("a"), host("b"));
  EXPECT_TRUE(comes([&] { return links_of(file.get()) == 2; }));
  EXPECT_TRUE(std::filesystem::exists(box("b")));
  std::filesystem::remove(host("a"));
  EXPECT_TRUE(comes([&] { return links_of(file.get()) == 1; }));
}

TEST_F(Coherence, AnOpenDirectoryTellsThatTheHostHasRemovedIt) {
  std::filesystem::create_directory(host("d"));
  const auto directory = opened(box("d"), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(links_of(directory.get()), 2);
  std::filesystem::remove(host("d"));
  EXPECT_TRUE(comes([&] { return links_of(directory.get()) == 0; }));
}

// It has no name by which the directory could tell.
TEST_F(Coherence, AnOpenFileThatTheBoxRemovedShowsWhatTheHostWrites) {
  put(host("a"), "0000");
  const auto of_box = opened(box("a"), O_RDWR);
  const auto of_host = opened(host("a"), O_RDWR);
  auto* const map = static_cast<char*>(::mmap(nullptr, 4, PROT_READ, MAP_SHARED, of_box.get(), 0));
  ASSERT_NE(map, MAP_FAILED);
  const volatile char* const first = map;
  EXPECT_EQ(*first, '0');
  std::filesystem::remove(box("a"));
  EXPECT_EQ(::pwrite(of_host.get(), "1111+", 5, 0), 5);
  EXPECT_TRUE(comes([&] { return *first == '1'; }));
  EXPECT_TRUE(comes([&] { return read_at(of_box.get(), 100, 0) == "1111+"; }));
  ::munmap(map, 4);
}

// Of the name itself nothing is heard.
TEST_F(Coherence, AFileThatIsOpenedShowsWhatTheHostWroteByANameThatIsNotKnown) {
  put(host("a"), "one\n");
  EXPECT_EQ(text_of(box("a")), "one\n");
  std::filesystem::create_directory(host("unknown"));
  std::filesystem::create_hard_link(host("a"), host("unknown/b"));
  std::ofstream(host("unknown/b"), std::ios::app) << "two\n";
  EXPECT_EQ(text_of(box("a")), "one\ntwo\n");
}

TEST_F(Coherence, DifferentPartsOfAFileSurvive) {
  put(host("a"), std::string(4096, '.'));
  const auto here = opened(host("a"), O_WRONLY);
  const auto there = opened(box("a"), O_RDWR);
  for (off_t i = 0; i < 2048; ++i) {
    ASSERT_EQ(::pwrite(here.get(), "h", 1, 2 * i), 1);
    ASSERT_EQ(::pwrite(there.get(), "b", 1, 2 * i + 1), 1);
  }
  const auto text = text_of(host("a"));
  for (std::size_t i = 0; i < text.size(); ++i) ASSERT_EQ(text[i], i % 2 == 0 ? 'h' : 'b') << i;
}

TEST_F(Coherence, AppendsOfBothNeverOverlap) {
  constexpr int count = 500;
  put(host("log"), "");
  const auto append = [](const std::filesystem::path& path, char letter) {
    const auto file = opened(path, O_WRONLY | O_APPEND);
    const auto line = std::string(99, letter) + "\n";
    for (int i = 0; i < count; ++i) EXPECT_EQ(::write(file.get(), line.data(), line.size()), 100);
  };
  std::thread other([&] { append(host("log"), 'h'); });
  append(box("log"), 'b');
  other.join();
  std::istringstream lines(text_of(host("log")));
  std::map<std::string, int> seen;
  for (std::string line; std::getline(lines, line);) ++seen[line];
  EXPECT_EQ(seen, (std::map<std::string, int>{{std::string(99, 'b'), count}, {std::string(99, 'h'), count}}));
}

TEST_F(Coherence, LocksHoldAgainstTheHost) {
  put(host("a"), "");
  const auto here = opened(host("a"), O_RDWR);
  const auto there = opened(box("a"), O_RDWR);
  ASSERT_EQ(::flock(here.get(), LOCK_EX), 0);
  EXPECT_EQ(::flock(there.get(), LOCK_EX | LOCK_NB), -1);
  ASSERT_EQ(::flock(here.get(), LOCK_UN), 0);
  EXPECT_EQ(::flock(there.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(::flock(here.get(), LOCK_EX | LOCK_NB), -1);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_start = 10;
  range.l_len = 5;
  ASSERT_EQ(::fcntl(there.get(), F_SETLK, &range), 0);
  EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), -1);
  struct flock question = range;
  ASSERT_EQ(::fcntl(here.get(), F_OFD_GETLK, &question), 0);
  EXPECT_EQ(question.l_type, F_WRLCK);
  EXPECT_EQ(question.l_start, 10);
  range.l_start = 15;
  EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), 0);
}

TEST_F(Coherence, AClosedFileReleasesTheLocksOfItsProcess) {
  put(host("a"), "");
  const auto here = opened(host("a"), O_RDWR);
  struct flock range = {};
  range.l_type = F_WRLCK;
  {
    const auto there = opened(box("a"), O_RDWR);
    ASSERT_EQ(::fcntl(there.get(), F_SETLK, &range), 0);
    EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), -1);
  }
  EXPECT_TRUE(comes([&] { return ::fcntl(here.get(), F_OFD_SETLK, &range) == 0; }));
}

// fstat names no open file to the server, only what its path may not lead to any more.
TEST_F(Coherence, AnOpenFileIsWholeWhateverTheHostDoesToItsName) {
  const auto replace = [this] {
    put(host("new"), "another one");
    std::filesystem::rename(host("new"), host("a"));
  };
  const std::vector<std::function<void()>> doings{
      [this] { std::filesystem::remove(host("a")); },
      replace,
      [this] { std::filesystem::rename(host("a"), host("b")); },
      [this] { std::filesystem::rename(host("a"), host("unknown/a")); },
  };
  std::filesystem::create_directory(host("unknown"));
  for (const auto& happen : doings) {
    put(host("a"), "text");
    // Until the notice has come that the name means another file now.
    std::error_code failed;
    ASSERT_TRUE(comes([&] { return std::filesystem::file_size(box("a"), failed) == 4; }));
    const auto there = opened(box("a"), O_RDWR);
    happen();
    for (off_t size = 5; size < 10; ++size) {
      ASSERT_EQ(::pwrite(there.get(), "x", 1, size - 1), 1);
      struct stat status = {};
      ASSERT_EQ(::fstat(there.get(), &status), 0) << std::strerror(errno);
      EXPECT_EQ(status.st_size, size);
    }
  }
}

// The guest's kernel names no owner when one of these ends.
TEST_F(Coherence, AClosedFileReleasesTheLocksOfItsOwn) {
  put(host("a"), "");
  const auto here = opened(host("a"), O_RDWR);
  const auto kept = opened(box("a"), O_RDWR);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_len = 5;
  {
    const auto there = opened(box("a"), O_RDWR);
    ASSERT_EQ(::fcntl(there.get(), F_OFD_SETLK, &range), 0);
    EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), -1);
    range.l_start = 10;
    ASSERT_EQ(::fcntl(kept.get(), F_OFD_SETLK, &range), 0);
    range.l_start = 0;
  }
  EXPECT_TRUE(comes([&] { return ::fcntl(here.get(), F_OFD_SETLK, &range) == 0; }));
  range.l_start = 10;
  EXPECT_EQ(::fcntl(here.get(), F_OFD_SETLK, &range), -1) << "another file's stays";
}

TEST_F(Coherence, ALockIsWaitedFor) {
  const auto here = locked_by_the_host("a");
  const Waiting waiting(box("a"));
  EXPECT_EQ(waiting.next(), 'w');
  EXPECT_TRUE(waiting.says_nothing());
  ASSERT_EQ(::flock(here.get(), LOCK_UN), 0);
  EXPECT_EQ(waiting.next(), 'y');
}

TEST_F(Coherence, WhoWaitsForALockCanBeKilled) {
  const auto here = locked_by_the_host("a");
  const Waiting waiting(box("a"));
  EXPECT_EQ(waiting.next(), 'w');
  EXPECT_TRUE(waiting.says_nothing());
  waiting.kill();
  EXPECT_EQ(waiting.next(), '\0');
  ASSERT_EQ(::flock(here.get(), LOCK_UN), 0);
  const auto again = opened(box("a"), O_RDWR);
  EXPECT_EQ(::flock(again.get(), LOCK_EX | LOCK_NB), 0) << "nobody has it";
}

TEST_F(Coherence, WatchersHearTheHost) {
  put(host("a"), "1");
  put(host("gone"), "1");
  put(host("old"), "1");
  std::filesystem::create_directory(host("empty"));
  // Known to the box, and not.
  EXPECT_EQ(text_of(box("a")), "1");
  EXPECT_TRUE(std::filesystem::exists(box("gone")));
  Listener listener(folder_->box());
  std::ofstream(host("a"), std::ios::app) << "2";
  put(host("new"), "x");
  std::filesystem::create_directory(host("d"));
  std::filesystem::create_symlink("a", host("l"));
  std::filesystem::remove(host("gone"));
  std::filesystem::remove(host("empty"));
  std::filesystem::rename(host("old"), host("renamed"));
  ::chmod(host("a").c_str(), 0600);
  const std::set<std::string> wanted{"modify a",    "close_write a", "create new", "create d",   "create l",
                                     "delete gone", "delete empty",  "from old",   "to renamed", "attrib a"};
  EXPECT_THAT(listener.hear(wanted), IsSupersetOf(wanted));
  EXPECT_EQ(text_of(box("a")), "12");
  EXPECT_EQ(text_of(box("new")), "x");
  EXPECT_EQ(std::filesystem::read_symlink(box("l")), "a");
  EXPECT_TRUE(std::filesystem::is_directory(box("d")));
  EXPECT_EQ(text_of(box("renamed")), "1");
  EXPECT_EQ(text_of(host("renamed")), "1");
  EXPECT_FALSE(std::filesystem::exists(box("old")));
}

// No name was ever looked up in it, and it was not listed.
TEST_F(Coherence, WatchersHearOfADirectoryThatTheGuestHasNotLookedInto) {
  std::filesystem::create_directory(host("d"));
  Listener listener(box("d"));
  put(host("d/new"), "");
  EXPECT_THAT(listener.hear({"create new"}), Contains("create new"));
}

// As editors save: the new contents take the place of what is watched.
TEST_F(Coherence, WatchersHearThatAFileWasReplaced) {
  put(host("a"), "0");
  EXPECT_EQ(text_of(box("a")), "0");
  Listener listener(folder_->box());
  for (const std::string text : {"1", "2", "3"}) {
    put(host("saved"), text);
    std::filesystem::rename(host("saved"), host("a"));
    EXPECT_THAT(listener.hear({"to a"}), Contains("to a")) << text;
    EXPECT_EQ(text_of(box("a")), text);
    EXPECT_FALSE(std::filesystem::exists(box("saved")));
  }
}

// Also where the guest repeats nothing, as nobody watches.
TEST_F(Coherence, WhatTheHostHasMovedIsNotThereAnyMore) {
  std::filesystem::create_directory(host("d"));
  put(host("d/x"), "1");
  put(host("a"), "1");
  EXPECT_TRUE(std::filesystem::exists(box("d/x")));
  EXPECT_TRUE(std::filesystem::exists(box("a")));
  std::filesystem::rename(host("d"), host("e"));
  std::filesystem::rename(host("a"), host("b"));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("d/x")); }));
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(box("a")); }));
}

TEST_F(Coherence, WatchersHearTheBoxOnce) {
  Listener listener(folder_->box());
  put(box("b"), "1");
  put(host("last"), "1");
  EXPECT_THAT(listener.hear({"create b", "create last"}), Contains("create b"));
  EXPECT_EQ(text_of(host("b")), "1");
}

TEST_F(Coherence, NothingThatIsRepeatedChangesTheHost) {
  for (int i = 0; i < 50; ++i) put(host("a"), std::string(1000, 'x'));
  EXPECT_EQ(text_of(box("a")).size(), 1000u);
  Listener listener(folder_->box());
  struct stat before = {};
  std::ofstream(host("a"), std::ios::app) << "y";
  ASSERT_EQ(::stat(host("a").c_str(), &before), 0);
  EXPECT_THAT(listener.hear({"close_write a"}), Contains("close_write a"));
  struct stat after = {};
  ASSERT_EQ(::stat(host("a").c_str(), &after), 0);
  EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
  EXPECT_EQ(before.st_size, after.st_size);
}

std::size_t most_memory_of(pid_t process) {
  std::ifstream status(concat("/proc/", process, "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) << 10;
  return ~std::size_t{0};
}

// The host makes far more changes than anybody waits for.
TEST_F(Coherence, AStormIsBoundedAndWatchersLook) {
  constexpr int count = 60'000;
  ASSERT_EQ(::mount("storm", folder_->host().c_str(), "tmpfs", 0, nullptr), 0);
  std::filesystem::create_directory(host("d"));
  put(host("d/a"), "1");
  EXPECT_EQ(text_of(box("d/a")), "1");
  EXPECT_FALSE(std::filesystem::exists(box("d/59999")));
  Listener listener(box("d"));
  [[maybe_unused]] const auto before = most_memory_of(folder_->server());
  [[maybe_unused]] const auto before_in_bridge = most_memory_of(folder_->bridge());
  for (int i = 0; i < count; ++i) ASSERT_EQ(::mknod((host("d") / concat(i)).c_str(), S_IFREG | 0644, 0), 0);
  put(host("d/a"), "22");
  EXPECT_THAT(listener.hear({"attrib "}), Contains("attrib ")) << "the directory itself";
  EXPECT_TRUE(comes([&] { return std::filesystem::exists(box("d/59999")); }));
  EXPECT_TRUE(comes([&] { return text_of(box("d/a")) == "22"; }));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(box("d")), {}), count + 1);
  put(host("d/last"), "1");
  EXPECT_THAT(listener.hear({"create last"}), Contains("create last")) << "and goes on hearing";
// Sanitizers keep what was freed, and shadows of all.
#if !defined(BOXLITE_ADDRESS_SANITIZER) && !defined(BOXLITE_THREAD_SANITIZER)
  EXPECT_LT(most_memory_of(folder_->server()) - before, 32u << 20);
  EXPECT_LT(most_memory_of(folder_->bridge()) - before_in_bridge, 16u << 20);
#endif
}

// The host and the box change one file, at random; whoever opens it in the box sees what it is, at once.
TEST_F(Coherence, NobodyReadsAByteThatNobodyWrote) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
    std::string expected = "begin\n";
    put(host("a"), expected);
    auto appending = opened(box("a"), O_WRONLY | O_APPEND);
    for (int step = 0; step < 60; ++step) {
      const std::string bytes(up_to(3) == 0 ? 4090 + up_to(12) : 1 + up_to(40),
                              static_cast<char>('a' + up_to(25)));
      const auto at = up_to(expected.size());
      const auto kind = up_to(5);
      if (kind == 0) {
        std::ofstream(host("a"), std::ios::app) << bytes;
        expected += bytes;
      } else if (kind == 1 || kind == 2) {
        const auto file = opened(kind == 1 ? host("a") : box("a"), O_WRONLY);
        ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)),
                  std::ssize(bytes));
        expected.resize(std::max(expected.size(), at + bytes.size()));
        expected.replace(at, bytes.size(), bytes);
      } else if (kind == 3) {
        ASSERT_EQ(::truncate(host("a").c_str(), static_cast<off_t>(at + 100)), 0);
        expected.resize(at + 100);
      } else if (kind == 4) {
        put(host("new"), bytes);
        std::filesystem::rename(host("new"), host("a"));
        expected = bytes;
        appending = opened(box("a"), O_WRONLY | O_APPEND);
      } else {
        ASSERT_EQ(::write(appending.get(), bytes.data(), bytes.size()), std::ssize(bytes));
        expected += bytes;
      }
      ASSERT_TRUE(text_of(host("a")) == expected)
          << "on the host, seed " << seed << ", step " << step << ", kind " << kind;
      ASSERT_TRUE(text_of(box("a")) == expected)
          << "in the box, seed " << seed << ", step " << step << ", kind " << kind;
    }
  }
}

}  // namespace
}  // namespace boxlite::fileserver
