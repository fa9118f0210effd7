// SPDX-License-Identifier: Apache-2.0
#include "local/io_thread.h"

#include <csignal>

#include <pthread.h>

#include "base/caught_exception.h"

namespace boxlite::local {

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

IoThread::IoThread(std::unique_ptr<linux_::EventLoop> loop) : loop_(std::move(loop)) {
  thread_ = start_thread([running = loop_.get()] {
    // Fails only when epoll itself does; then every call meets its deadline.
    (void)running->run();
  });
}

Result<std::unique_ptr<IoThread>> IoThread::start(std::function<void(const Error&)> told) {
  auto loop = BOXLITE_TRY(linux_::EventLoop::create());
  loop->on_exception(std::move(told));
  return std::unique_ptr<IoThread>(new IoThread(std::move(loop)));
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
  // The farewells of connections that were closed last.
  while (true) {
    const auto has_handled = loop_->run_once(Deadline::after(std::chrono::milliseconds(0)));
    if (!has_handled || !*has_handled) return;
  }
}

IoThread::~IoThread() {
  stop();
}

}  // namespace boxlite::local
