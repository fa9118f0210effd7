// SPDX-License-Identifier: Apache-2.0
#include "local/io_thread.h"

#include "base/thread.h"

namespace boxlite::local {

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
