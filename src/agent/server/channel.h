// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/frame.h"

namespace boxlite::agent {

// The connection to the host: frames in, frames out. Frames that are written during one round of the loop
// leave together at its end. When the host goes away, or breaks the framing, the listener is told and the
// channel waits for the next host, from a clean start. Loop thread only.
class Channel {
 public:
  class Listener {
   public:
    virtual void on_frame(const wire::Frame& frame) = 0;
    // There is room for output again after is_congested().
    virtual void on_drained() = 0;
    // Every stream is gone.
    virtual void on_disconnect() = 0;

   protected:
    ~Listener() = default;
  };

  // `port` is non-blocking. The listener outlives the channel.
  static Result<std::unique_ptr<Channel>> open(linux_::EventLoop& loop, UniqueFd port, Listener& listener);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // For appending frames; they are sent soon after.
  wire::FrameWriter& out();
  // A whole encoded frame, written straight from where it lies as far as the port takes it.
  void send_frame(std::string_view frame);
  // Whether the port takes no more just now; on_drained() comes when it does.
  bool is_full() const { return is_waiting_for_room_; }
  // Whether bulk output should wait for on_drained(). Answers need not.
  bool is_congested() const { return writer_.size() >= congestion_limit; }
  bool is_drained() const { return writer_.empty(); }
  // Blocks until the host has taken everything that is pending: the last words before the power goes.
  void flush_blocking();

 private:
  static constexpr std::size_t congestion_limit = 256u << 10;

  Channel(linux_::EventLoop& loop, UniqueFd port, Listener& listener)
      : loop_(loop), port_(std::move(port)), listener_(listener) {}
  void on_ready(linux_::Readiness ready);
  void read_frames();
  bool write_some(std::string_view& bytes);
  void flush();
  void disconnect();
  void update_interest();

  linux_::EventLoop& loop_;
  UniqueFd port_;
  Listener& listener_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer reconnect_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  bool flush_posted_ = false;
  bool is_waiting_for_room_ = false;
  bool is_connected_ = true;
};

}  // namespace boxlite::agent
