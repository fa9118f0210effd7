// SPDX-License-Identifier: Apache-2.0
#include "journal/event_log.h"

#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "journal/event_cursor.h"

namespace boxlite::journal {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class EventLogTest : public testing::Test {
 protected:
  EventLogTest() : dir_(TempDir::create(testing::TempDir(), "events-")) {}

  EventLog log(std::size_t limit = event_file_limit) const { return EventLog(dir_->path(), limit); }
  static Event event(std::string type, std::string id = "abc123ABC123") {
    return {
        .time = {}, .type = std::move(type), .box_id = std::move(id), .box_name = "web", .attributes = {}};
  }
  EventCursor cursor(EventCursor::Begin begin = EventCursor::Begin::oldest) const {
    auto opened = EventCursor::open(log(), begin);
    EXPECT_TRUE(opened) << opened.error().message();
    return *std::move(opened);
  }
  // Everything there is.
  static std::vector<std::string> rest(EventCursor& cursor) {
    std::vector<std::string> types;
    while (true) {
      const auto event = cursor.next(Deadline::after(0ms));
      EXPECT_TRUE(event) << event.error().message();
      if (!event || !*event) return types;
      types.push_back((*event)->type);
    }
  }
  void append_raw(std::string_view bytes) const {
    const auto file = open_file(log().file(), O_WRONLY | O_APPEND | O_CREAT);
    ASSERT_TRUE(write_all(file->get(), bytes, "events"));
  }

  Result<TempDir> dir_;
};

TEST_F(EventLogTest, ReadsBackWhatWasWritten) {
  auto written = event("exec");
  written.attributes = {{"id", "e1"}, {"command", "sh -c \"a\nb\""}};
  const auto before = now();
  ASSERT_TRUE(log().append(written));
  auto reader = cursor();
  const auto read = reader.next(Deadline::after(0ms));
  ASSERT_TRUE(read && *read);
  EXPECT_GE((*read)->time, before);
  EXPECT_LE((*read)->time, now());
  written.time = (*read)->time;
  EXPECT_EQ(**read, written);
}

TEST_F(EventLogTest, FileIsPrivate) {
  ASSERT_TRUE(log().append(event("create")));
  struct stat status{};
  ASSERT_EQ(::stat(log().file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(EventLogTest, BeginsNowWithoutThePast) {
  ASSERT_TRUE(log().append(event("create")));
  auto reader = cursor(EventCursor::Begin::now);
  EXPECT_THAT(rest(reader), ElementsAre());
  ASSERT_TRUE(log().append(event("start")));
  EXPECT_THAT(rest(reader), ElementsAre("start"));
}

TEST_F(EventLogTest, WaitsForAnEventInAHomeThatHadNone) {
  auto reader = cursor(EventCursor::Begin::now);
  std::thread writer([this] { ASSERT_TRUE(log().append(event("create"))); });
  const auto read = reader.next(Deadline::after(10s));
  writer.join();
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->type, "create");
}

TEST_F(EventLogTest, SurvivesAWriterThatWasKilledInTheMiddle) {
  ASSERT_TRUE(log().append(event("create")));
  append_raw(R"({"time":"2026-11-22T10:00:00Z","type":"sta)");
  auto reader = cursor();
  EXPECT_THAT(rest(reader), ElementsAre("create"));
  ASSERT_TRUE(log().append(event("stop")));
  EXPECT_THAT(rest(reader), ElementsAre("stop"));
}

TEST_F(EventLogTest, SkipsWhatIsNoEvent) {
  append_raw("\n\nhello\n{}\n[1]\n{\"type\":7}\n\xff\xfe\n");
  append_raw(R"({"time":"yesterday","type":"start"})"
             "\n");
  append_raw(R"({"time":"9999-01-01T00:00:00Z","type":"start"})"
             "\n");
  append_raw(R"({"time":"2026-11-22T10:00:00Z","type":"x","attributes":{"a":1}})"
             "\n");
  append_raw(std::string(20'000, '[') + "\n");
  append_raw(std::string(3'000'000, 'x') + "\n");
  ASSERT_TRUE(log().append(event("stop")));
  auto reader = cursor();
  EXPECT_THAT(rest(reader), ElementsAre("stop"));
}

TEST_F(EventLogTest, CutsWhatIsTooLongToKeep) {
  auto large = event("exec");
  for (int i = 0; i < 100; ++i) large.attributes.emplace_back(concat("key", i), std::string(1 << 20, '\1'));
  ASSERT_TRUE(log().append(large));
  EXPECT_LE(std::filesystem::file_size(log().file()), longest_event_line + 1);
  auto reader = cursor();
  EXPECT_THAT(rest(reader), ElementsAre("exec"));
}

TEST_F(EventLogTest, RotatesAndIsReadAcrossTheRotation) {
  const auto small = log(1000);
  auto follower = cursor(EventCursor::Begin::now);
  std::vector<std::string> expected;
  std::vector<std::string> followed;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(concat("type", i));
    ASSERT_TRUE(small.append(event(expected.back())));
    if (i % 3 == 0) std::ranges::move(rest(follower), std::back_inserter(followed));
  }
  std::ranges::move(rest(follower), std::back_inserter(followed));
  EXPECT_EQ(followed, expected);
  EXPECT_LE(std::filesystem::file_size(small.old_file()), 1200u);
  auto late = cursor();
  const auto kept = rest(late);
  ASSERT_GE(kept.size(), 5u);
  EXPECT_EQ(kept.back(), "type99");
}

TEST_F(EventLogTest, LosesNothingBetweenTwoRotationsThatAFollowerSleptThrough) {
  const auto small = log(1000);
  ASSERT_TRUE(small.append(event("first")));
  auto follower = cursor();
  EXPECT_THAT(rest(follower), ElementsAre("first"));
  std::vector<std::string> expected;
  // The first rotation makes its file the old one, the second replaces that by the next.
  struct stat begin{};
  ASSERT_EQ(::stat(small.file().c_str(), &begin), 0);
  for (int i = 0; expected.size() < 12; ++i) {
    expected.push_back(concat("type", i));
    ASSERT_TRUE(small.append(event(expected.back())));
  }
  EXPECT_EQ(rest(follower), expected);
}

TEST_F(EventLogTest, LosesNothingOfALogThatBeganAndRotatedAfterItsFollower) {
  auto follower = cursor(EventCursor::Begin::now);
  const auto small = log(1000);
  std::vector<std::string> expected;
  for (int i = 0; !std::filesystem::exists(small.old_file()); ++i) {
    expected.push_back(concat("type", i));
    ASSERT_TRUE(small.append(event(expected.back())));
  }
  EXPECT_EQ(rest(follower), expected);
}

TEST_F(EventLogTest, TakesEventsOfManyWritersWhileItIsFollowed) {
  constexpr int writers = 4;
  constexpr int each = 200;
  auto follower = cursor(EventCursor::Begin::now);
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const auto child = ::fork();
    if (child == 0) {
      const auto small = log(40'000);
      for (int i = 0; i < each; ++i) {
        if (!small.append(event(concat("w", writer, "-", i)))) ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  std::vector<int> next(writers, 0);
  int count = 0;
  while (count < writers * each) {
    const auto read = follower.next(Deadline::after(20s));
    ASSERT_TRUE(read && *read) << "after " << count;
    const auto& type = (*read)->type;
    const auto writer = static_cast<std::size_t>(type[1] - '0');
    EXPECT_EQ(type, concat("w", writer, "-", next[writer]));
    ++next[writer];
    ++count;
  }
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(EventLogTest, GoesOnWhenTheHolderOfTheLockIsStopped) {
  ASSERT_TRUE(log().append(event("create")));
  const auto lock = open_file(dir_->path() / "events.lock", O_RDWR);
  ASSERT_TRUE(lock);
  ASSERT_EQ(::flock(lock->get(), LOCK_EX), 0);
  ASSERT_TRUE(log().append(event("start")));
  auto reader = cursor();
  EXPECT_THAT(rest(reader), ElementsAre("create", "start"));
}

}  // namespace
}  // namespace boxlite::journal
