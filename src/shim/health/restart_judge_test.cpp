// SPDX-License-Identifier: Apache-2.0
#include "shim/health/restart_judge.h"

#include <gtest/gtest.h>

namespace boxlite::shim {
namespace {

using shimlink::ExitReason;
using shimlink::ExitRecord;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds short_life = 1s;

ExitRecord exited(int code) {
  return {.reason = ExitReason::main_exited, .exit_code = code};
}

TEST(RestartJudge, NeverRestartsByDefault) {
  RestartJudge judge({});
  EXPECT_FALSE(judge.next(exited(1), short_life));
  EXPECT_FALSE(judge.next({.reason = ExitReason::vmm_failed}, short_life));
  EXPECT_EQ(judge.count(), 0u);
}

TEST(RestartJudge, OnFailureMeansFailuresOnly) {
  RestartJudge judge({.mode = RestartMode::on_failure});
  EXPECT_FALSE(judge.next(exited(0), short_life));
  EXPECT_TRUE(judge.next(exited(1), short_life));
  EXPECT_TRUE(judge.next({.reason = ExitReason::main_exited, .signal = 9}, short_life));
  EXPECT_TRUE(judge.next({.reason = ExitReason::vmm_failed}, short_life));
  EXPECT_EQ(judge.count(), 3u);
}

TEST(RestartJudge, StopsAtItsLimit) {
  RestartJudge judge({.mode = RestartMode::on_failure, .max_retries = 2});
  EXPECT_TRUE(judge.next(exited(1), short_life));
  EXPECT_TRUE(judge.next(exited(1), 1h)) << "a long life does not give attempts back";
  EXPECT_FALSE(judge.next(exited(1), short_life));
}

TEST(RestartJudge, AlwaysMeansAfterSuccessToo) {
  for (const auto mode : {RestartMode::always, RestartMode::unless_stopped}) {
    RestartJudge judge({.mode = mode});
    EXPECT_TRUE(judge.next(exited(0), short_life));
    EXPECT_TRUE(judge.next(exited(3), short_life));
  }
}

TEST(RestartJudge, WaitsTwiceAsLongEachTimeUpToAMinute) {
  RestartJudge judge({.mode = RestartMode::always});
  EXPECT_EQ(judge.next(exited(0), short_life), 100ms);
  EXPECT_EQ(judge.next(exited(0), short_life), 200ms);
  for (int i = 0; i < 20; ++i) judge.next(exited(0), short_life);
  EXPECT_EQ(judge.next(exited(0), short_life), 60s);
  EXPECT_EQ(judge.next(exited(0), 9999ms), 60s);
  EXPECT_EQ(judge.next(exited(0), 10s), 100ms) << "after a life that lasted";
}

}  // namespace
}  // namespace boxlite::shim
