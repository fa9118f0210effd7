// SPDX-License-Identifier: Apache-2.0
#include "shim/health/health_judge.h"

#include <gtest/gtest.h>

namespace boxlite::shim {
namespace {

using shimlink::HealthProbe;

TEST(HealthJudge, ABoxWithoutProbesHasNoHealth) {
  EXPECT_EQ(HealthJudge({}).state(), HealthStatus::none);
}

TEST(HealthJudge, FailuresInARowMakeItUnhealthyAndOneSuccessWell) {
  HealthJudge judge({.probe = HealthProbe::ping, .retries = 2});
  EXPECT_EQ(judge.state(), HealthStatus::starting);
  judge.judge(true, false);
  EXPECT_EQ(judge.state(), HealthStatus::healthy);
  judge.judge(false, false);
  EXPECT_EQ(judge.state(), HealthStatus::healthy);
  judge.judge(true, false);
  judge.judge(false, false);
  EXPECT_EQ(judge.state(), HealthStatus::healthy) << "not in a row";
  judge.judge(false, false);
  EXPECT_EQ(judge.state(), HealthStatus::unhealthy);
  EXPECT_EQ(judge.failures(), 2u);
  judge.judge(true, false);
  EXPECT_EQ(judge.state(), HealthStatus::healthy);
  EXPECT_EQ(judge.failures(), 0u);
}

TEST(HealthJudge, FailuresOfTheStartPeriodDoNotCount) {
  HealthJudge judge({.probe = HealthProbe::ping, .retries = 1});
  judge.judge(false, true);
  EXPECT_EQ(judge.state(), HealthStatus::starting);
  judge.judge(true, true);
  judge.judge(false, true);
  EXPECT_EQ(judge.state(), HealthStatus::unhealthy) << "a box that was well has started";
}

}  // namespace
}  // namespace boxlite::shim
