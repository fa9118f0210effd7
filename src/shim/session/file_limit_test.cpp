// SPDX-License-Identifier: Apache-2.0
#include "shim/session/file_limit.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace boxlite::shim {
namespace {

TEST(FileLimit, LeavesRoomForWhatIsBesideTheStack) {
  EXPECT_EQ(socket_limit(1'048'576), 4096u);
  EXPECT_EQ(socket_limit(1024), 170u);
  EXPECT_EQ(socket_limit(0), 64u);
}

TEST(FileLimit, IsRaisedAndNeverLowered) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit small{.rlim_cur = 256, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  raise_file_limit();
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, std::min<rlim_t>(before.rlim_max, 10'240));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  raise_file_limit();
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_GE(after.rlim_cur, before.rlim_cur);
}

}  // namespace
}  // namespace boxlite::shim
