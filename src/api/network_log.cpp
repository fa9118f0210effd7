// SPDX-License-Identifier: Apache-2.0
#include "backend/network_log.h"

#include <utility>

namespace boxlite {

NetworkLog::NetworkLog(std::shared_ptr<backend::NetworkLog> backend) : backend_(std::move(backend)) {}

Result<std::optional<NetworkRecord>> NetworkLog::next(const CallOptions& call) {
  return backend_->next(call);
}

}  // namespace boxlite
