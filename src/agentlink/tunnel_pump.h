// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "agentlink/connection.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"

namespace boxlite::agentlink {

// Moves bytes between a socket and a tunnel's stream that is connected, both ways, with at most a frame in
// hand for each. Works and ends on the loop's thread, and keeps itself for that long; wait() is for any
// other.
class TunnelPump : public std::enable_shared_from_this<TunnelPump> {
 public:
  using Stream = agentlink::Stream<wire::TunnelsConnect>;

  // `socket` is non-blocking. `owner` owns the loop.
  TunnelPump(linux_::EventLoop& loop, std::shared_ptr<void> owner, UniqueFd socket, Stream stream)
      : owner_(std::move(owner)), loop_(loop), socket_(std::move(socket)), stream_(std::move(stream)) {}
  TunnelPump(const TunnelPump&) = delete;
  TunnelPump& operator=(const TunnelPump&) = delete;

  // Once, from any thread.
  void start();
  // Until nothing more will come from the box: how that came.
  Result<void> wait();

 private:
  void begin();
  void pump();
  bool take_from_box();
  bool take_message(std::string payload);
  bool write_to_user();
  void end_output();
  void send_to_box();
  bool read_from_user();
  void on_user_end();
  void settle(Result<void> how);
  void finish();

  const std::shared_ptr<void> owner_;  // first, so that it goes last
  linux_::EventLoop& loop_;
  UniqueFd socket_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer farewell_;
  std::shared_ptr<TunnelPump> self_;  // until finish()

  std::string incoming_;  // the payload that the user's socket has not taken, from incoming_begin_ on
  std::size_t incoming_begin_ = 0;
  std::size_t incoming_end_ = 0;
  bool output_ended_ = false;   // the service's
  std::string outgoing_;        // the payload that waits for credit
  bool input_ended_ = false;    // the user's
  bool user_has_left_ = false;  // nobody has the other end of the socket any more

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<void>> end_;

  Stream stream_;  // last: its callback refers to all of the above
};

}  // namespace boxlite::agentlink
