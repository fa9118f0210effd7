// SPDX-License-Identifier: Apache-2.0
#include "fileserver/workers.h"

#include <atomic>
#include <semaphore>
#include <thread>

#include <gtest/gtest.h>

namespace boxlite::fileserver {
namespace {

// A guest could ask faster than the disk writes, for ever.
TEST(Workers, WhoeverAsksForTooMuchDoesItHimself) {
  std::counting_semaphore<> gate(0);
  std::atomic<int> done = 0;
  {
    Workers workers;
    std::thread::id last;
    int asked = 0;
    // Threads that were made wait at the gate, and so does all that is queued behind them.
    while (last != std::this_thread::get_id() && asked < 10'000) {
      ++asked;
      workers.run([&, caller = std::this_thread::get_id()] {
        if (std::this_thread::get_id() == caller) {
          last = caller;
        } else {
          gate.acquire();
        }
        ++done;
      });
    }
    EXPECT_LT(asked, 100);
    gate.release(asked);
  }
  EXPECT_GT(done, 50);
}

}  // namespace
}  // namespace boxlite::fileserver
