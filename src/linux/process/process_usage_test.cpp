// SPDX-License-Identifier: Apache-2.0
#include "linux/process/process_usage.h"

#include <climits>
#include <ctime>

#include <gtest/gtest.h>
#include <unistd.h>

namespace boxlite::linux_ {
namespace {

TEST(ProcessUsage, AgreesWithTheKernelAboutThisProcess) {
  timespec time{};
  do ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  while (time.tv_sec == 0 && time.tv_nsec < 50'000'000);
  const auto usage = process_usage(::getpid());
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_GE(usage->cpu, std::chrono::milliseconds(20));
  EXPECT_LT(usage->cpu, std::chrono::minutes(10));
  EXPECT_GT(usage->rss_bytes, 100u << 10);
  EXPECT_GE(usage->rss_bytes, usage->pss_bytes);
  EXPECT_GT(usage->pss_bytes, 0u);
}

TEST(ProcessUsage, IsNotFoundForNobody) {
  const auto usage = process_usage(INT_MAX);
  ASSERT_FALSE(usage);
  EXPECT_EQ(usage.error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace boxlite::linux_
