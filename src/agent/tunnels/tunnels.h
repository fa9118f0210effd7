// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/server/channel.h"
#include "agent/tunnels/host_sockets.h"
#include "agent/tunnels/tunnel.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace boxlite::agent {

// The service Tunnels: connections from the host to what listens in the machine, and of programs in the
// container to sockets of the host, all of them in the loop. Loop thread only.
class Tunnels final : public Tunnel::Listener {
 public:
  static constexpr std::size_t most = 256;

  // Everything given outlives the object. `root_fd` is the container's "/".
  Tunnels(linux_::EventLoop& loop, Channel& channel, int root_fd, HostSockets& host_sockets)
      : loop_(loop), host_sockets_(host_sockets), around_{loop, channel, *this, root_fd, frame_} {}
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  // Leaves `stream` open on success.
  Result<void> start(std::uint32_t stream, const wire::msg::Request& request);

  bool has_stream(std::uint32_t stream) const {
    return tunnels_.contains(stream) || host_sockets_.has_stream(stream);
  }
  void on_data(std::uint32_t stream, std::string_view payload);
  void on_window(std::uint32_t stream, std::uint32_t count);
  void on_reset(std::uint32_t stream);
  void on_disconnect();
  void on_drained();

  void on_tunnel_end(std::uint32_t stream) override;

 private:
  void break_stream(std::uint32_t stream);

  Result<TunnelTarget> target_of(const wire::msg::TunnelRequest& request);

  linux_::EventLoop& loop_;
  HostSockets& host_sockets_;
  std::array<char, wire::header_size + wire::max_data_payload> frame_;
  const Tunnel::Surroundings around_;
  std::map<std::uint32_t, std::unique_ptr<Tunnel>> tunnels_;
  std::vector<std::unique_ptr<Tunnel>> ended_;  // until no call of theirs can be under way
  std::uint32_t next_drained_ = 0;
};

}  // namespace boxlite::agent
