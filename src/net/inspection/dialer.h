// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "netpolicy/flow.h"

namespace boxlite::net {

// Makes the connections to the world.
class Dialer {
 public:
  Dialer() = default;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  virtual ~Dialer() = default;
  // A stream socket that is connecting to flow.destination, or has: non-blocking, close-on-exec.
  virtual Result<UniqueFd> dial(const netpolicy::Flow& flow) = 0;
};

class TcpDialer : public Dialer {
 public:
  Result<UniqueFd> dial(const netpolicy::Flow& flow) override;
};

}  // namespace boxlite::net
