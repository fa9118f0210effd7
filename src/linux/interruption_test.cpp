// SPDX-License-Identifier: Apache-2.0
#include "linux/interruption.h"

#include <array>
#include <cerrno>

#include <gtest/gtest.h>
#include <unistd.h>

namespace boxlite::linux_ {
namespace {

TEST(Interruption, EndsAWaitThatNobodyElseWouldEnd) {
  allow_interruption();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::atomic<bool> is_over = false;
  int os_error = 0;
  std::thread waiting([&] {
    char letter = 0;
    os_error = ::read(ends[0], &letter, 1) < 0 ? errno : 0;
    is_over = true;
  });
  interrupt_and_join(waiting, is_over);
  EXPECT_EQ(os_error, EINTR);
  for (const int end : ends) ::close(end);
}

}  // namespace
}  // namespace boxlite::linux_
