// SPDX-License-Identifier: Apache-2.0
#include "agent/container/limits.h"

#include <gtest/gtest.h>

namespace boxlite::agent {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

TEST(Limits, LeaveTheAgentItsShare) {
  for (const std::uint64_t memory : {40 * mib, 490 * mib, 64 * 1024 * mib}) {
    const auto limits = limits_for(memory);
    EXPECT_LT(limits.memory_bytes, memory);
    EXPECT_GE(limits.memory_bytes, memory / 4 * 3);
    EXPECT_LT(limits.command_processes, limits.processes);
  }
}

TEST(Limits, AreSaneForAMachineWithoutFigures) {
  const auto limits = limits_for(0);
  EXPECT_GT(limits.memory_bytes, 0u);
  EXPECT_GE(limits.command_processes, 400u);
}

}  // namespace
}  // namespace boxlite::agent
