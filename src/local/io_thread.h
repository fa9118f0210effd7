// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "linux/event_loop.h"

namespace boxlite::local {

// The one thread of a Runtime that waits for descriptors. Its end is orderly: what is queued still runs.
class IoThread {
 public:
  // `told`: of exceptions out of callbacks, which end nothing else.
  static Result<std::unique_ptr<IoThread>> start(std::function<void(const Error&)> told);
  // Must not run on the thread itself.
  ~IoThread();

  linux_::EventLoop& loop() { return *loop_; }
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }
  // Ends the thread; the loop stays, for handles that still refer to it.
  void stop();

 private:
  explicit IoThread(std::unique_ptr<linux_::EventLoop> loop);
  std::unique_ptr<linux_::EventLoop> loop_;
  std::thread thread_;
};

}  // namespace boxlite::local
