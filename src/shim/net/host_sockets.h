// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "agentlink/connection.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "shim/mux/mux.h"

namespace boxlite::shim {

// Tunnels from the box to unix sockets of the host: each program that connects to one's place in the box is
// connected to the host's, by its path at that moment. One thread: the loop's.
class HostSockets {
 public:
  // All outlive it.
  HostSockets(linux_::EventLoop& loop, Mux& mux, const std::vector<std::filesystem::path>& paths)
      : loop_(loop), mux_(mux), paths_(paths) {}
  HostSockets(const HostSockets&) = delete;
  HostSockets& operator=(const HostSockets&) = delete;
  ~HostSockets();

  // A machine's container is up, the first's or, when that has ended, another's.
  Result<void> begin();

 private:
  void take_offers();
  void lead(const wire::msg::TunnelOffer& offer);

  linux_::EventLoop& loop_;
  Mux& mux_;
  const std::vector<std::filesystem::path>& paths_;
  std::shared_ptr<agentlink::Connection> connection_;
  std::optional<agentlink::Stream<wire::TunnelsListen>> offers_;
};

}  // namespace boxlite::shim
