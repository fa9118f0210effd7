// SPDX-License-Identifier: Apache-2.0
#include "linux/interruption.h"

#include <chrono>
#include <csignal>

#include <pthread.h>

namespace boxlite::linux_ {
namespace {

// Nothing tells when the other thread has begun to wait; a signal before that is lost.
constexpr std::chrono::milliseconds pause(1);

}  // namespace

// Without SA_RESTART.
void allow_interruption() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
}

void interrupt(std::thread& thread) {
  ::pthread_kill(thread.native_handle(), SIGUSR1);
}

void interrupt_and_join(std::thread& thread, const std::atomic<bool>& is_over) {
  while (!is_over) {
    interrupt(thread);
    std::this_thread::sleep_for(pause);
  }
  thread.join();
}

}  // namespace boxlite::linux_
