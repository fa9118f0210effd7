// SPDX-License-Identifier: Apache-2.0
#include "runtime/local/io_thread.h"

#include <csignal>

#include <pthread.h>

namespace boxlite::local {
namespace {

// The embedding program's signals are for its own threads.
void block_signals(sigset_t& previous) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
}

}  // namespace

IoThread::IoThread(std::unique_ptr<linux_::EventLoop> loop) : loop_(std::move(loop)) {
  sigset_t previous;
  block_signals(previous);
  thread_ = std::thread([loop = loop_.get()] {
    // Fails only when epoll itself does; then every call meets its deadline.
    (void)loop->run();
  });
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

Result<std::unique_ptr<IoThread>> IoThread::start() {
  return std::unique_ptr<IoThread>(new IoThread(BOXLITE_TRY(linux_::EventLoop::create())));
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
