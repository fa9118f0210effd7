// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <csignal>
#include <utility>

#include <pthread.h>

#include "base/caught_exception.h"

namespace boxlite {

std::thread start_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t previous;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  std::thread thread([body = std::move(body)] {
    try {
      body();
    } catch (...) {
      // Each body guards what it calls: this is memory that ran out between such calls.
      (void)caught_exception("a thread");
    }
  });
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return thread;
}

}  // namespace boxlite
