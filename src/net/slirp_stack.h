// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "linux/event_loop.h"
#include "net/frame.h"

namespace boxlite::net {

// libslirp on our loop: turns the guest's packets into sockets of this process, and back. It decides nothing:
// what it is given, it does. One thread, the loop's.
class SlirpStack {
 public:
  struct Listener {
    std::move_only_function<void(ConstBytes frame)> on_frame;  // for the guest
    // False: it makes no frames for now, until resume().
    std::move_only_function<bool()> may_go_on;
  };

  // The loop outlives it.
  static Result<std::unique_ptr<SlirpStack>> create(linux_::EventLoop& loop, Listener listener);
  SlirpStack(const SlirpStack&) = delete;
  SlirpStack& operator=(const SlirpStack&) = delete;
  ~SlirpStack();

  // A frame of the guest.
  void input(ConstBytes frame);
  void resume();

  // TCP connections of the guest to this address of its network become connections to a listening unix
  // socket; each is made while the ACK that completes the guest's handshake is given to input().
  Result<void> lead_to(const std::filesystem::path& socket, const Endpoint& address);
  // Each connection to a unix socket that this makes becomes a TCP connection to a port of the guest.
  Result<void> lead_into(const std::filesystem::path& socket, std::uint16_t guest_port);

 private:
  class Impl;
  explicit SlirpStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxlite::net
