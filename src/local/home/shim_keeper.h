// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "linux/event_loop.h"
#include "shimlink/shim_process.h"

namespace boxlite::local {

// The shims that one Runtime has started: holds their watchdogs, reaps them, and has the box of each
// that ends settled. Thread-safe. The loop must run until close().
class ShimKeeper {
 public:
  // `settle` enters the end of a box's machine into the database; called on a thread of the keeper's own,
  // since it waits for locks and files.
  ShimKeeper(linux_::EventLoop& loop, std::function<void(const std::string& box_id)> settle);
  ~ShimKeeper() { (void)close(Deadline::never()); }

  void adopt(std::string box_id, shimlink::ShimProcess shim, bool is_detached);
  // The box is not ended by close() any more.
  void release(const std::string& box_id);
  // Ends the boxes that are not detached, all at once and in an orderly way, and settles them. Returns when
  // their machines are gone; those that have not ended at the deadline are killed, and that is an error then.
  Result<void> close(const Deadline& deadline);

 private:
  struct Kept {
    std::string box_id;
    shimlink::ShimProcess shim;
    bool is_detached;
    linux_::EventLoop::Watch watch;
  };
  using Shims = std::map<std::uint64_t, Kept>;

  void watch(std::uint64_t key);
  void handle_end(std::uint64_t key);
  void work();

  linux_::EventLoop& loop_;
  const std::function<void(const std::string&)> settle_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Shims shims_;
  std::uint64_t last_key_ = 0;
  std::deque<std::string> ended_;
  bool is_closing_ = false;
  std::thread worker_;  // started with the first box
};

}  // namespace boxlite::local
