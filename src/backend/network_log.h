// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/network_log.hpp>

namespace boxlite::backend {

// What a boxlite::NetworkLog does; see there.
class NetworkLog {
 public:
  virtual ~NetworkLog() = default;
  virtual Result<std::optional<NetworkRecord>> next(const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
