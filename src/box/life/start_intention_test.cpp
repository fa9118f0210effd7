// SPDX-License-Identifier: Apache-2.0
#include "box/life/start_intention.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::box {
namespace {

using namespace std::chrono_literals;

class StartIntentionTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(make_directories(paths_.directory)); }

  Result<linux_::FileLock> life_cycle_lock() const {
    return linux_::FileLock::acquire(paths_.lock(), linux_::LockMode::exclusive, Deadline::after(20s));
  }
  StartIntention declare() const {
    const auto held = life_cycle_lock();
    return *StartIntention::declare(paths_);
  }
  bool is_abandoned() const {
    const auto held = life_cycle_lock();
    return *StartIntention::is_abandoned(paths_);
  }
  void declare_and_die() const {
    const auto child = ::fork();
    if (child == 0) {
      const auto ours = declare();
      ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  std::size_t declared() const { return entries_of(paths_.start_intentions()).size(); }

  TempDir home_ = *TempDir::create(testing::TempDir(), "intention-");
  const BoxPaths paths_{home_.path(), "b"};
};

TEST_F(StartIntentionTest, IsAbandonedWhenAllWhoDeclaredItAreDead) {
  EXPECT_FALSE(is_abandoned());
  declare_and_die();
  EXPECT_TRUE(is_abandoned());
  {
    const auto living = declare();
    EXPECT_FALSE(is_abandoned());
  }
  EXPECT_TRUE(is_abandoned());
}

TEST_F(StartIntentionTest, WithdrawnSpeaksForTheDeadToo) {
  declare_and_die();
  auto first = declare();
  auto second = std::optional(declare());
  std::move(first).withdraw();
  EXPECT_EQ(declared(), 1u);
  EXPECT_FALSE(is_abandoned());
  std::move(*second).withdraw();
  second.reset();
  EXPECT_EQ(declared(), 0u);
  EXPECT_FALSE(is_abandoned());
}

TEST_F(StartIntentionTest, LookingMakesNothing) {
  EXPECT_FALSE(*StartIntention::is_abandoned(paths_));
  EXPECT_TRUE(entries_of(paths_.directory).empty());
}

TEST_F(StartIntentionTest, NobodyWhoLivesOrWithdrewIsTakenForDead) {
  std::atomic<bool> is_over = false;
  std::atomic<int> mistakes = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (!is_over) declare().withdraw();
      });
    }
    threads.emplace_back([&] {
      while (!is_over) mistakes += is_abandoned() ? 1 : 0;
    });
    threads.emplace_back([&] {
      while (!is_over) mistakes += *StartIntention::is_abandoned(paths_) ? 1 : 0;
    });
    std::this_thread::sleep_for(500ms);
    is_over = true;
  }
  EXPECT_EQ(mistakes, 0);
  EXPECT_EQ(declared(), 0u);
}

// Killed at any instruction, it has either declared and not withdrawn, or nothing is known of it.
TEST_F(StartIntentionTest, MayBeKilledAnywhere) {
  for (int round = 0; round < 50; ++round) {
    const auto child = ::fork();
    if (child == 0) {
      while (true) declare().withdraw();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(1'000 + 97 * round));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_EQ(is_abandoned(), declared() != 0);
    declare().withdraw();
    EXPECT_EQ(declared(), 0u);
  }
}

}  // namespace
}  // namespace boxlite::box
