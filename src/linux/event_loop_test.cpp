// SPDX-License-Identifier: Apache-2.0
#include "linux/event_loop.h"

#include <array>
#include <csignal>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/process/pidfd.h"

namespace boxlite::linux_ {
namespace {

using std::chrono::milliseconds;

class EventLoopTest : public ::testing::Test {
 protected:
  struct Pair {
    UniqueFd near;
    UniqueFd far;
  };
  static Pair make_pair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()), 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
  }
  static void send_byte(int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); }
  bool run_once(milliseconds limit = milliseconds(5000)) {
    auto result = loop_->run_once(Deadline::after(limit));
    EXPECT_TRUE(result);
    return result && *result;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
};

TEST_F(EventLoopTest, ReportsReadableAgainUntilTheBytesAreRead) {
  const auto pair = make_pair();
  int calls = 0;
  auto watch = *loop_->watch(pair.near.get(), true, false, [&](Readiness ready) {
    EXPECT_TRUE(ready.readable);
    EXPECT_FALSE(ready.writable);
    char byte = 0;
    if (++calls == 2) {
      EXPECT_EQ(::read(pair.near.get(), &byte, 1), 1);
    }
  });
  EXPECT_FALSE(run_once(milliseconds(0)));
  send_byte(pair.far.get());
  EXPECT_TRUE(run_once());
  EXPECT_TRUE(run_once());
  EXPECT_FALSE(run_once(milliseconds(0)));
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, ReportsNothingWhenNothingIsWantedNotEvenAHangUp) {
  auto pair = make_pair();
  int calls = 0;
  auto watch = *loop_->watch(pair.near.get(), true, false, [&](Readiness) { ++calls; });
  ASSERT_TRUE(watch.want(false, false));
  pair.far.reset();
  EXPECT_FALSE(run_once(milliseconds(0)));
  ASSERT_TRUE(watch.want(true, false));
  EXPECT_TRUE(run_once());
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ACallbackMayDropEveryWatchOfTheBatch) {
  const auto first = make_pair();
  const auto second = make_pair();
  int calls = 0;
  EventLoop::Watch watch_first;
  EventLoop::Watch watch_second;
  const std::string text(100, 'k');
  const auto drop_all = [&, text](Readiness) {
    ++calls;
    watch_first.reset();
    watch_second.reset();
    EXPECT_EQ(text.size(), 100u) << "the callback itself must still be alive";
  };
  watch_first = *loop_->watch(first.near.get(), true, false, drop_all);
  watch_second = *loop_->watch(second.near.get(), true, false, drop_all);
  send_byte(first.far.get());
  send_byte(second.far.get());
  EXPECT_TRUE(run_once());
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(run_once(milliseconds(0)));
}

TEST_F(EventLoopTest, AWatchOnAReusedDescriptorGetsNoEventOfItsPredecessor) {
  auto first = make_pair();
  const auto second = make_pair();
  int stale = 0;
  EventLoop::Watch watch_first;
  EventLoop::Watch watch_second;
  EventLoop::Watch replacement;
  UniqueFd reused;
  const auto replace = [&](EventLoop::Watch& other, int fd) {
    other.reset();
    replacement = *loop_->watch(fd, true, false, [&](Readiness) { ++stale; });
  };
  const auto quiet = make_pair();
  watch_first = *loop_->watch(first.near.get(), true, false,
                              [&](Readiness) { replace(watch_second, quiet.near.get()); });
  watch_second = *loop_->watch(second.near.get(), true, false,
                               [&](Readiness) { replace(watch_first, quiet.near.get()); });
  send_byte(first.far.get());
  send_byte(second.far.get());
  EXPECT_TRUE(run_once());
  EXPECT_EQ(stale, 0);
}

TEST_F(EventLoopTest, RunsTimersInOrderAndNotTheDroppedOnes) {
  std::string order;
  const auto now = EventLoop::Clock::now();
  auto second = loop_->at(now + milliseconds(2), [&] { order += '2'; });
  auto dropped = loop_->at(now + milliseconds(1), [&] { order += 'x'; });
  auto first = loop_->at(now, [&] {
    order += '1';
    dropped.reset();
  });
  while (order.size() < 2) ASSERT_TRUE(run_once());
  EXPECT_EQ(order, "12");
}

TEST_F(EventLoopTest, ATimerMaySetItselfAgainWithoutStarvingTheRest) {
  EventLoop::Timer timer;
  int rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    timer = loop_->after(milliseconds(0), [&] { again(); });
  };
  timer = loop_->after(milliseconds(0), [&] { again(); });
  EXPECT_TRUE(run_once());
  EXPECT_EQ(rounds, 1);
}

TEST_F(EventLoopTest, RunsPostedTasksOfOtherThreadsAndStops) {
  int sum = 0;
  std::thread other([&] {
    for (int i = 1; i <= 100; ++i) loop_->post([&sum, i] { sum += i; });
    loop_->stop();
  });
  EXPECT_TRUE(loop_->run());
  other.join();
  EXPECT_EQ(sum, 5050);
}

TEST_F(EventLoopTest, AStopBeforeRunCounts) {
  loop_->stop();
  EXPECT_TRUE(loop_->run());
}

TEST_F(EventLoopTest, ReportsTheEndOfAChildOnce) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGKILL);
    ::_exit(0);
  }
  const auto pidfd = *open_pidfd(child);
  int calls = 0;
  auto watch = *loop_->watch_exit(pidfd.get(), [&] { ++calls; });
  EXPECT_TRUE(run_once());
  EXPECT_FALSE(run_once(milliseconds(0)));
  EXPECT_EQ(calls, 1);
  const auto end = reap(pidfd.get());
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->signal, SIGKILL);
  EXPECT_EQ(send_signal(pidfd.get(), SIGTERM).error().code(), ErrorCode::not_found);
}

TEST_F(EventLoopTest, RefusesADescriptorThatCannotBeWatched) {
  EXPECT_FALSE(loop_->watch(-1, true, false, [](Readiness) {}));
}

TEST_F(EventLoopTest, TellsOfExceptionsAndGoesOn) {
  auto& loop = loop_;
  std::vector<std::string> told;
  loop->on_exception([&](const Error& error) { told.push_back(error.message()); });
  int called = 0;
  loop->post([] { throw std::runtime_error("posted"); });
  loop->post([&] { ++called; });
  const auto failing = loop->after(std::chrono::milliseconds(0), [] { throw std::bad_alloc(); });
  const auto timer = loop->after(std::chrono::milliseconds(1), [&] { ++called, loop->stop(); });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(called, 2);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE((told[0] + told[1]).find("posted"), std::string::npos);
  EXPECT_NE((told[0] + told[1]).find("out of memory"), std::string::npos);
}

}  // namespace
}  // namespace boxlite::linux_
