// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "linux/event_loop.h"
#include "net/link/frame.h"

namespace boxlite::net {

// libslirp on our loop: turns the guest's packets into sockets of this process, and back. It decides nothing:
// what it is given, it does. One thread, the loop's.
//
// Slirp walks lists of its sockets while it calls back, and must not be entered then. So nobody is called
// from inside of it: the frames that it makes are kept, and given to the listener when it has returned.
class SlirpStack {
 public:
  struct Listener {
    // For the guest; may be changed in place. One at a time: what comes of a call to the stack meanwhile is
    // given after it.
    std::move_only_function<void(FrameBytes frame)> on_frame;
    // False: it makes no frames for now, until resume().
    std::move_only_function<bool()> may_go_on;
  };

  // The loop outlives it.
  static Result<std::unique_ptr<SlirpStack>> create(linux_::EventLoop& loop, Listener listener);
  SlirpStack(const SlirpStack&) = delete;
  SlirpStack& operator=(const SlirpStack&) = delete;
  ~SlirpStack();

  // A frame of the guest. What the stack has to say to it is given before this returns, unless it is called
  // by on_frame.
  void input(ConstBytes frame);
  void resume();

  // TCP connections of the guest to this address of its network become connections to a listening unix
  // socket; each is made while the ACK that completes the guest's handshake is given to input().
  Result<void> lead_to(const std::filesystem::path& socket, const Endpoint& address);
  // Each connection to a unix socket that this makes becomes a TCP connection to a port of the guest.
  Result<void> lead_into(const std::filesystem::path& socket, std::uint16_t guest_port);

  // That it has open: each connection's, and those that time has not closed yet (some minutes for UDP and
  // pings).
  std::size_t sockets() const;

 private:
  class Impl;
  explicit SlirpStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxlite::net
