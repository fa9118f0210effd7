// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/server/channel.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/credit.h"
#include "wire/messages.h"

namespace boxlite::agent {

// Where the socket that stands for a socket of the host lies in the agent's mount namespace.
std::string host_socket_path(std::uint32_t number);

// Unix sockets in the container that lead to sockets of the host: who connects is offered to the host, which
// takes the connection as a tunnel. While it does not, programs wait in the backlog. Loop thread only.
class HostSockets {
 public:
  // Offered and not taken; beyond it programs wait.
  static constexpr std::size_t most_offered = 64;

  explicit HostSockets(linux_::EventLoop& loop) : loop_(loop) {}
  HostSockets(const HostSockets&) = delete;
  HostSockets& operator=(const HostSockets&) = delete;

  // Those that the mounts name come into being, for every program of the container; mounting them is the
  // caller's.
  Result<void> create(const google::protobuf::RepeatedPtrField<wire::msg::Mount>& mounts);

  // Tunnels.Listen. The channel outlives the offers.
  Result<void> offer_on(Channel& channel, std::uint32_t stream);
  bool has_stream(std::uint32_t stream) const { return offers_ && offers_->stream == stream; }
  // False: the client broke the protocol.
  [[nodiscard]] bool take_window(std::uint32_t count);
  // The host listens no more.
  void withdraw();
  // A connection that was offered; once.
  std::optional<UniqueFd> take(std::uint64_t connection);

 private:
  struct Listener {
    std::uint32_t number = 0;
    UniqueFd socket = {};
    linux_::EventLoop::Watch watch = {};
  };
  struct Offers {
    Channel& channel;
    std::uint32_t stream;
    wire::SendCredit credit = {};
  };

  Result<void> listen(std::uint32_t number);
  void accept(Listener& listener);
  void offer(std::uint32_t number, UniqueFd connection);
  bool may_offer() const;
  void update_interest();

  linux_::EventLoop& loop_;
  std::vector<Listener> listeners_;
  std::optional<Offers> offers_;
  std::map<std::uint64_t, UniqueFd> offered_;
  std::uint64_t last_connection_ = 0;
  linux_::EventLoop::Timer accept_again_;
};

}  // namespace boxlite::agent
