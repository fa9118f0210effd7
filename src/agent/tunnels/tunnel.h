// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "agent/server/channel.h"
#include "agent/tunnels/tunnel_target.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/credit.h"
#include "wire/messages.h"

namespace boxlite::agent {

// One tunnel: a connection to a service of the machine, whose bytes pass to and from a stream of the channel.
// What the service does not take waits here, bounded by the client's credit; what the client does not take
// waits in the socket. Loop thread only.
class Tunnel {
 public:
  struct Listener {
    // The client has its answer. The tunnel must outlive the call.
    virtual void on_tunnel_end(std::uint32_t stream) = 0;

   protected:
    ~Listener() = default;
  };
  // What all tunnels have in common. `frame` has room for a whole data frame; what is in it is nobody's
  // between two calls.
  struct Surroundings {
    linux_::EventLoop& loop;
    Channel& channel;
    Listener& listener;
    int root_fd;
    std::span<char> frame;
  };

  Tunnel(const Surroundings& around, std::uint32_t stream, TunnelTarget target)
      : around_(around), stream_(stream), target_(std::move(target)) {}
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Answers later, unless it fails now.
  Result<void> start();
  // False: the client broke the protocol.
  [[nodiscard]] bool take_input(std::string_view payload);
  [[nodiscard]] bool take_window(std::uint32_t count);
  // Sends what may be sent now.
  void pump();
  // The client is gone.
  void abandon();

 private:
  Result<void> proceed(Result<TunnelTarget::Step> step);
  Result<void> watch(bool write);
  void on_ready(linux_::Readiness ready);
  void on_connected();
  void send_output();
  bool send_piece();
  void keep_input(std::string_view bytes);
  void write_input();
  void end_input();
  void drop_input();
  void return_credit(std::size_t count);
  void update_interest();
  void settle();
  void fail_with(const Error& error);
  bool may_send() const;
  std::size_t waiting() const { return input_.size() - input_begin_; }

  const Surroundings& around_;
  const std::uint32_t stream_;
  TunnelTarget target_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer limit_;
  linux_::EventLoop::Timer retry_;
  bool is_connected_ = false;
  bool has_ended_ = false;

  wire::SendCredit credit_;
  bool output_ended_ = false;

  wire::ReceiveCredit input_credit_;
  std::string input_;  // not yet taken by the service, from input_begin_ on
  std::size_t input_begin_ = 0;
  bool input_ended_ = false;   // by the client
  bool input_closed_ = false;  // the service has got all of it and its end, or takes no more
};

}  // namespace boxlite::agent
