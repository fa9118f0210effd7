// SPDX-License-Identifier: Apache-2.0
// Ending system calls in which a thread waits for as long as it takes.
#pragma once

#include <atomic>
#include <thread>

namespace boxlite::linux_ {

// From now on interrupt() has an effect (and USR1 no other) in this process.
void allow_interruption();
// A call in which the thread waits returns EINTR. One that it enters afterwards does not.
void interrupt(std::thread& thread);
// Again and again, until the thread says that it is over; then joins it.
void interrupt_and_join(std::thread& thread, const std::atomic<bool>& is_over);

}  // namespace boxlite::linux_
