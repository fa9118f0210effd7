// SPDX-License-Identifier: Apache-2.0
#include "local/ending_threads.h"

#include <atomic>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace boxlite::local {
namespace {

std::atomic<bool> is_exiting = false;

void say(const char* word) {
  (void)!::write(STDERR_FILENO, word, 5);
}

void await_exit() {
  while (!is_exiting) std::this_thread::yield();
}

[[noreturn]] void leave() {
  std::atexit([] { is_exiting = true; });
  std::exit(0);
}

TEST(EndingThreadsDeathTest, AreWaitedForAtExit) {
  EXPECT_EXIT(
      {
        std::thread([] {
          run_before_exit([] {
            await_exit();
            for (int turn = 0; turn < 10'000; ++turn) std::this_thread::yield();
            say("ended");
          });
        }).join();
        leave();
      },
      testing::ExitedWithCode(0), "ended");
}

// As an I/O thread is, in a callback of which the last handle has gone.
TEST(EndingThreadsDeathTest, NobodyWaitsForWhatWaitsForItself) {
  EXPECT_EXIT(
      {
        run_before_exit([] {
          while (true) ::pause();
        });
        leave();
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace boxlite::local
