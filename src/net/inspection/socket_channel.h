// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/inspection/channel.h"
#include "net/inspection/http/byte_queue.h"

namespace boxlite::net {

// A plain stream socket.
class SocketChannel : public Channel {
 public:
  // `socket` is non-blocking and connected, or connecting: is_connected() tells.
  static Result<std::unique_ptr<SocketChannel>> adopt(linux_::EventLoop& loop, UniqueFd socket);

  // False while a connection is under way; a failed one is a failure().
  bool is_connected() const { return is_connected_; }

  std::string_view input() const override { return input_.view(); }
  void consume(std::size_t count) override;
  bool has_ended() const override { return has_ended_; }
  std::size_t room() const override { return output_limit - std::min(output_limit, output_.size()); }
  void write(std::string_view bytes) override;
  void finish() override;
  bool is_finished() const override { return is_finishing_ && output_.is_empty(); }
  const std::optional<Error>& failure() const override { return failure_; }
  void reset() override;

 private:
  explicit SocketChannel(UniqueFd socket) : socket_(std::move(socket)) {}
  void on_ready(linux_::Readiness ready);
  void find_out_if_connected();
  void receive();
  void send_output();
  void shut_when_sent();
  void fail_with(std::string_view call, int os_error);
  void update_interest();

  UniqueFd socket_;
  bool is_connected_ = false;
  bool has_ended_ = false;
  bool is_finishing_ = false;
  ByteQueue input_;
  ByteQueue output_;
  std::optional<Error> failure_;
  linux_::EventLoop::Watch watch_;  // last: its callback uses the rest
};

}  // namespace boxlite::net
