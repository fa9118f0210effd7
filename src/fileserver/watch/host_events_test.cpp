// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/host_events.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::fileserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Actor = HostEvents::Actor;

class HostEventsTest : public ::testing::Test {
 protected:
  // Another process, as far as the kernel is concerned.
  template <typename Doing>
  static void another(Doing doing) {
    const auto child = ::fork();
    if (child == 0) {
      doing();
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
  }
  static void put(const std::filesystem::path& path, const char* text) { std::ofstream(path) << text; }
  SharedFd open(const std::filesystem::path& path) const {
    return std::make_shared<const UniqueFd>(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  std::filesystem::path path(const char* name) const { return place_.path() / name; }

  // As "actor event name".
  std::vector<std::string> heard() {
    static constexpr std::pair<std::uint32_t, const char*> words[] = {
        {IN_CREATE, "create"},   {IN_DELETE, "delete"}, {IN_MODIFY, "modify"},      {IN_ATTRIB, "attrib"},
        {IN_MOVED_FROM, "from"}, {IN_MOVED_TO, "to"},   {IN_CLOSE_WRITE, "written"}};
    std::vector<std::string> all;
    const auto told = [&](const HostEvents::Event& event) {
      const auto* who = event.actor == Actor::this_process ? "own "
                        : event.actor == Actor::another    ? "other "
                                                           : "";
      for (const auto& [bit, word] : words)
        if ((event.mask & bit) != 0) all.push_back(std::string(who) + word + " " + event.name);
    };
    while (events_.hear(told)) continue;
    return all;
  }

  TempDir place_ = *TempDir::create(std::filesystem::temp_directory_path(), "boxlite-events-");
  HostEvents events_{"/proc/self/fd/", 16};
};

TEST_F(HostEventsTest, TellsItsOwnDoingsFromThoseOfOthers) {
  const int watch = events_.add_directory(open(place_.path()));
  if (!events_.is_certain(watch)) GTEST_SKIP() << "this file system or kernel has no fanotify";
  put(path("mine"), "x");
  EXPECT_THAT(heard(), ElementsAre("own create mine", "own modify mine", "own written mine"));
  another([&] { put(path("mine"), "y"); });
  EXPECT_THAT(heard(), ElementsAre("other modify mine", "other written mine"));
}

TEST_F(HostEventsTest, TellsBothHalvesOfAMove) {
  std::filesystem::create_directory(path("in"));
  put(path("file"), "x");
  ASSERT_GE(events_.add_directory(open(place_.path())), 0);
  another([&] { std::filesystem::rename(path("file"), path("other")); });
  auto all = heard();
  if (all.front().starts_with("from")) GTEST_SKIP() << "this file system or kernel has no fanotify";
  EXPECT_THAT(all, ElementsAre("other from file", "other to other"));
  another([&] { std::filesystem::rename(path("other"), path("in/other")); });
  EXPECT_THAT(heard(), ElementsAre("other from other"));
}

TEST_F(HostEventsTest, TellsInAnOrderThatEndsAsItIs) {
  if (!events_.is_certain(events_.add_directory(open(place_.path()))))
    GTEST_SKIP() << "this file system or kernel has no fanotify";
  another([&] {
    put(path("gone"), "x");
    std::filesystem::remove(path("gone"));
  });
  EXPECT_EQ(heard().back(), "other delete gone");
  put(path("new"), "x");
  (void)heard();
  another([&] {
    std::filesystem::remove(path("new"));
    put(path("new"), "x");
  });
  EXPECT_EQ(heard().front(), "other delete new");
}

TEST_F(HostEventsTest, HearsNothingOfWhatIsRemoved) {
  const int watch = events_.add_directory(open(place_.path()));
  EXPECT_EQ(events_.add_directory(open(place_.path())), watch);
  events_.remove(watch);
  another([&] { put(path("file"), "x"); });
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(HostEventsTest, FallsBackToInotifyWithoutDescriptors) {
  HostEvents few("/proc/self/fd/", 0);
  const int watch = few.add_directory(open(place_.path()));
  ASSERT_GE(watch, 0);
  EXPECT_FALSE(few.is_certain(watch));
  put(path("file"), "x");
  std::vector<Actor> actors;
  few.hear([&](const HostEvents::Event& event) { actors.push_back(event.actor); });
  EXPECT_THAT(actors, ::testing::Each(Actor::unknown));
  EXPECT_FALSE(actors.empty());
}

}  // namespace
}  // namespace boxlite::fileserver
