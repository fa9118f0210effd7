// SPDX-License-Identifier: Apache-2.0
#include "journal/counters.h"

#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::journal {
namespace {

class CountersTest : public testing::Test {
 protected:
  CountersTest() : dir_(TempDir::create(testing::TempDir(), "counters-")) {}
  std::filesystem::path path() const { return dir_->path() / counters_file_name; }
  std::uint64_t value(Counter counter) const {
    const auto values = Counters(path()).read();
    EXPECT_TRUE(values) << values.error().message();
    return (*values)[counter];
  }
  Result<TempDir> dir_;
};

TEST_F(CountersTest, AreZeroWithoutAFile) {
  EXPECT_TRUE(Counters(path()).read()->is_zero());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(CountersTest, AddUp) {
  const Counters counters(path());
  ASSERT_TRUE(counters.add(Counter::commands));
  CounterValues more;
  more[Counter::commands] = 2;
  more[Counter::image_bytes_pulled] = 1ull << 40;
  ASSERT_TRUE(counters.add(more));
  EXPECT_EQ(value(Counter::commands), 3u);
  EXPECT_EQ(value(Counter::image_bytes_pulled), 1ull << 40);
  EXPECT_EQ(value(Counter::boxes_created), 0u);
}

TEST_F(CountersTest, LoseNothingAmongManyProcesses) {
  constexpr int processes = 4;
  constexpr int each = 500;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const auto child = ::fork();
    if (child == 0) {
      for (int n = 0; n < each; ++n) {
        // Under load the lock may be missed; whoever counts tries again.
        while (!Counters(path()).add(Counter::commands)) {
        }
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const auto child : children) ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(value(Counter::commands), static_cast<std::uint64_t>(processes * each));
}

TEST_F(CountersTest, BeginAgainAfterAPowerCutThatLeftZeros) {
  ASSERT_TRUE(write_file_atomic(path(), std::string(64, '\0')));
  EXPECT_TRUE(Counters(path()).read()->is_zero());
  ASSERT_TRUE(Counters(path()).add(Counter::boxes_started));
  EXPECT_EQ(value(Counter::boxes_started), 1u);
}

TEST_F(CountersTest, ReadAFileOfAnOlderVersionAndKeepWhatANewerOneAdded) {
  ASSERT_TRUE(Counters(path()).add(Counter::boxes_created, 5));
  auto content = *read_file(path());
  ASSERT_TRUE(write_file_atomic(path(), content.substr(0, 16)));
  EXPECT_EQ(value(Counter::boxes_created), 5u);
  ASSERT_TRUE(write_file_atomic(path(), content + "newer..."));
  ASSERT_TRUE(Counters(path()).add(Counter::boxes_created));
  EXPECT_EQ(value(Counter::boxes_created), 6u);
  EXPECT_TRUE(read_file(path())->ends_with("newer..."));
}

TEST_F(CountersTest, GiveUpWhenTheHolderOfTheLockIsStopped) {
  const auto held = open_file(path(), O_RDWR | O_CREAT);
  ASSERT_EQ(::flock(held->get(), LOCK_EX), 0);
  const auto added = Counters(path()).add(Counter::commands);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::timed_out);
  EXPECT_EQ(value(Counter::commands), 0u);
}

}  // namespace
}  // namespace boxlite::journal
