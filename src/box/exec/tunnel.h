// SPDX-License-Identifier: Apache-2.0
// A tunnel into a box, seen from the host: a stream of Tunnels.Connect, and a pair of sockets of which the
// caller has one end. Behaviour: boxlite/network.hpp.
#pragma once

#include <memory>

#include <boxlite/network.hpp>

#include "agentlink/connection.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::agentlink {
class TunnelPump;
}

namespace boxlite::box {

// invalid_argument for a target that names nothing, or both.
Result<void> check(const TunnelTarget& target);

// Thread-safe. The I/O thread moves the bytes, also when this object is gone, until both ends have had enough
// or the connection is closed.
class Tunnel {
 public:
  // Waits until the service has accepted. `owner` owns the loop, which must run for as long as bytes are to
  // pass.
  static Result<std::unique_ptr<Tunnel>> open(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                              agentlink::Connection& connection, const TunnelTarget& target,
                                              const Deadline& deadline);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  ~Tunnel();

  int fd() const { return end_.get(); }
  Result<void> wait();

 private:
  Tunnel(UniqueFd end, std::shared_ptr<agentlink::TunnelPump> pump);

  const UniqueFd end_;
  const std::shared_ptr<agentlink::TunnelPump> pump_;
};

}  // namespace boxlite::box
