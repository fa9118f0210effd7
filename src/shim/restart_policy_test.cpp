// SPDX-License-Identifier: Apache-2.0
#include "shim/restart_policy.h"

#include <gtest/gtest.h>

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;
using vmm::ExitReason;
using vmm::ExitRecord;
using vmm::RestartKind;
using namespace std::chrono_literals;

constexpr milliseconds short_life = 1s;

ExitRecord exited(int code) {
  return {.reason = ExitReason::main_exited, .exit_code = code};
}

TEST(RestartPolicy, NeverRestartsByDefault) {
  RestartPolicy policy({});
  EXPECT_FALSE(policy.next(exited(1), short_life));
  EXPECT_FALSE(policy.next({.reason = ExitReason::vmm_failed}, short_life));
  EXPECT_EQ(policy.count(), 0u);
}

TEST(RestartPolicy, OnFailureMeansFailuresOnly) {
  RestartPolicy policy({.kind = RestartKind::on_failure});
  EXPECT_FALSE(policy.next(exited(0), short_life));
  EXPECT_TRUE(policy.next(exited(1), short_life));
  EXPECT_TRUE(policy.next({.reason = ExitReason::main_exited, .signal = 9}, short_life));
  EXPECT_TRUE(policy.next({.reason = ExitReason::vmm_failed}, short_life));
  EXPECT_EQ(policy.count(), 3u);
}

TEST(RestartPolicy, StopsAtItsLimit) {
  RestartPolicy policy({.kind = RestartKind::on_failure, .limit = 2});
  EXPECT_TRUE(policy.next(exited(1), short_life));
  EXPECT_TRUE(policy.next(exited(1), 1h)) << "a long life does not give attempts back";
  EXPECT_FALSE(policy.next(exited(1), short_life));
}

TEST(RestartPolicy, AlwaysMeansAfterSuccessToo) {
  for (const auto kind : {RestartKind::always, RestartKind::unless_stopped}) {
    RestartPolicy policy({.kind = kind});
    EXPECT_TRUE(policy.next(exited(0), short_life));
    EXPECT_TRUE(policy.next(exited(3), short_life));
  }
}

TEST(RestartPolicy, WaitsTwiceAsLongEachTimeUpToAMinute) {
  RestartPolicy policy({.kind = RestartKind::always});
  EXPECT_EQ(policy.next(exited(0), short_life), 100ms);
  EXPECT_EQ(policy.next(exited(0), short_life), 200ms);
  for (int i = 0; i < 20; ++i) policy.next(exited(0), short_life);
  EXPECT_EQ(policy.next(exited(0), short_life), 60s);
  EXPECT_EQ(policy.next(exited(0), 9999ms), 60s);
  EXPECT_EQ(policy.next(exited(0), 10s), 100ms) << "after a life that lasted";
}

}  // namespace
}  // namespace boxlite::shim
