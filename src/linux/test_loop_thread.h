// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <thread>

#include "linux/event_loop.h"

namespace boxlite::linux_ {

// A loop on a thread of its own, as a Runtime has it.
class LoopThread {
 public:
  LoopThread() : loop_(*EventLoop::create()), thread_([this] { (void)loop_->run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_->stop();
    thread_.join();
  }
  EventLoop& loop() { return *loop_; }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace boxlite::linux_
