// SPDX-License-Identifier: Apache-2.0
#include "shim/health/clock_keeper.h"

#include <vector>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace boxlite::shim {
namespace {

using namespace std::chrono_literals;

// A clock that is set by hand.
class TurnedClock final : public HostClock {
 public:
  Timestamp now() const override { return time_; }
  int fd() const override { return event_.get(); }
  Result<void> watch_again() override {
    std::uint64_t seen = 0;
    (void)!::read(event_.get(), &seen, sizeof seen);
    return {};
  }

  void set(Timestamp time) {
    time_ = time;
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(event_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }

 private:
  Timestamp time_{1000s};
  UniqueFd event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

class ClockKeeperTest : public testing::Test {
 protected:
  void settle() { ASSERT_TRUE(loop_->run_once(Deadline::after(20ms))); }

  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  TurnedClock clock_;
  std::vector<Timestamp> told_;
  ClockKeeper keeper_{*loop_, clock_, [this](Timestamp time) { told_.push_back(time); }};
};

TEST_F(ClockKeeperTest, TellsEachStepOnceForwardOrBack) {
  ASSERT_TRUE(keeper_.begin());
  settle();
  EXPECT_TRUE(told_.empty()) << "a guest that has just been configured knows the time";
  clock_.set(Timestamp(5000s));
  settle();
  settle();
  clock_.set(Timestamp(10s));
  settle();
  settle();
  EXPECT_EQ(told_, (std::vector<Timestamp>{Timestamp(5000s), Timestamp(10s)}));
}

TEST_F(ClockKeeperTest, IsQuietWhileNobodyCouldListen) {
  ASSERT_TRUE(keeper_.begin());
  keeper_.end();
  clock_.set(Timestamp(5000s));
  settle();
  EXPECT_TRUE(told_.empty());
  // What happened meanwhile is in the time that is told at the resumption.
  ASSERT_TRUE(keeper_.begin());
  keeper_.tell_now();
  settle();
  EXPECT_EQ(told_, std::vector<Timestamp>{Timestamp(5000s)});
}

TEST(SystemClock, IsQuietUntilTheHostsClockIsSet) {
  const auto clock = SystemClock::create();
  ASSERT_TRUE(clock) << clock.error().message();
  const auto loop = *linux_::EventLoop::create();
  bool was_set = false;
  const auto watch = loop->watch((*clock)->fd(), true, false, [&](auto) { was_set = true; });
  ASSERT_TRUE(watch);
  ASSERT_TRUE((*clock)->watch_again());
  ASSERT_TRUE(loop->run_once(Deadline::after(20ms)));
  EXPECT_FALSE(was_set);
}

}  // namespace
}  // namespace boxlite::shim
