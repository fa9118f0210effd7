// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/link/frame.h"
#include "net/link/token_bucket.h"

namespace boxlite::net {

// The cable to the machine: Ethernet frames on a stream socket, each behind its length. One thread, the
// loop's.
//
// Nothing waits without bound: while more than `high_water` bytes wait for the machine, its frames are not
// read either and is_congested() asks others to make no more; beyond `hard_limit` frames are dropped, as on
// any cable.
class Link {
 public:
  static constexpr std::size_t high_water = 1u << 20;
  static constexpr std::size_t hard_limit = 8u << 20;

  struct Listener {
    std::move_only_function<void(FrameBytes frame)> on_frame;  // may be changed in place
    std::move_only_function<void()> on_relief;                 // is_congested() is over
  };
  struct Limits {
    std::uint64_t sent_bytes_per_second = 0;  // by the guest; 0: no limit
    std::uint64_t received_bytes_per_second = 0;
    bool operator==(const Limits&) const = default;
  };

  // `socket`: non-blocking. The loop outlives it.
  static Result<std::unique_ptr<Link>> create(linux_::EventLoop& loop, UniqueFd socket, Listener listener);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void set_limits(const Limits& limits);

  // A frame for the machine; goes out before the loop waits again.
  void send(std::span<const std::uint8_t> frame);
  bool is_congested() const { return waiting() > high_water; }

 private:
  Link(linux_::EventLoop& loop, UniqueFd socket, Listener listener)
      : loop_(loop), socket_(std::move(socket)), listener_(std::move(listener)) {}
  void receive();
  // False: the machine broke the rules of the cable.
  bool deliver();
  void flush();
  void update_watch();
  // Like a cable that was cut.
  void close();
  std::size_t waiting() const { return out_.size() - out_begin_; }

  linux_::EventLoop& loop_;
  UniqueFd socket_;
  Listener listener_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer flushing_;
  linux_::EventLoop::Timer receiving_;
  linux_::EventLoop::Timer sending_;
  std::vector<std::uint8_t> in_;
  std::size_t in_end_ = 0;
  std::vector<std::uint8_t> out_;
  std::size_t out_begin_ = 0;
  TokenBucket may_receive_;  // from the machine
  TokenBucket may_send_;
  bool is_flush_due_ = false;
  bool is_blocked_ = false;       // the socket takes no more at the moment
  bool may_not_receive_ = false;  // by a rate, for now
  bool may_not_send_ = false;
  bool was_congested_ = false;
};

}  // namespace boxlite::net
