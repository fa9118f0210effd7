// SPDX-License-Identifier: Apache-2.0
// The connection itself: frames in, frames out, calls by stream id. Lives on the loop's thread; Connection
// and Stream are its handles for other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agentlink/stream_state.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/frame.h"

namespace boxlite::agentlink {

class Link : public std::enable_shared_from_this<Link> {
 public:
  using Done = std::move_only_function<void(Result<std::string>)>;

  Link(linux_::EventLoop& loop, UniqueFd socket);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Any thread.
  linux_::EventLoop& loop() const { return loop_; }
  bool is_open() const { return is_open_.load(std::memory_order_relaxed); }

  // The loop's thread from here on. A broken connection answers with its error.
  void start();
  // `request` is the serialised envelope.
  std::uint32_t call(std::string_view request, Deadline deadline, Done done);
  std::uint32_t open_stream(std::string_view request, std::shared_ptr<StreamState> state);
  void cancel_call(std::uint32_t stream);
  void send_data(std::uint32_t stream, std::string_view payload);
  void return_credit(std::uint32_t stream, std::uint32_t bytes);
  void reset_stream(std::uint32_t stream);
  // Ends everything with `why`; the first close counts.
  void close(Error why);

 private:
  struct Call {
    Done done;
    linux_::EventLoop::Timer timer;
  };

  void handle(linux_::Readiness ready);
  Result<void> read_some();
  Result<void> handle_frames();
  void handle_frame(const wire::Frame& frame);
  void handle_response(std::uint32_t stream, std::string_view payload);
  void refuse_stream(std::uint32_t stream, std::string_view why);
  void finish_call(std::uint32_t stream, Result<std::string> how);
  void flush();
  Result<void> write_some();

  linux_::EventLoop& loop_;
  UniqueFd socket_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  std::uint32_t next_stream_ = 1;
  std::unordered_map<std::uint32_t, Call> calls_;
  std::unordered_map<std::uint32_t, std::shared_ptr<StreamState>> streams_;
  std::optional<Error> broken_;
  std::atomic<bool> is_open_ = true;
  bool wants_write_ = false;
  linux_::EventLoop::Watch watch_;  // last: its callback refers to all of the above
};

}  // namespace boxlite::agentlink
