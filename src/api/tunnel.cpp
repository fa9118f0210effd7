// SPDX-License-Identifier: Apache-2.0
#include "backend/tunnel.h"

#include <utility>

namespace boxlite {

Tunnel::Tunnel(std::shared_ptr<backend::Tunnel> backend) : backend_(std::move(backend)) {}

int Tunnel::fd() const {
  return backend_->fd();
}

Result<void> Tunnel::wait() const {
  return backend_->wait();
}

}  // namespace boxlite
