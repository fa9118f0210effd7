// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "backend/tunnel.h"
#include "box/exec/tunnel.h"

namespace boxlite::local {

class LocalBox;

// Keeps the box, and so its Runtime, for as long as the user has a handle. Thread-safe.
class LocalTunnel final : public backend::Tunnel {
 public:
  LocalTunnel(std::unique_ptr<box::Tunnel> tunnel, std::shared_ptr<LocalBox> box)
      : box_(std::move(box)), tunnel_(std::move(tunnel)) {}

  int fd() const override { return tunnel_->fd(); }
  Result<void> wait() override { return tunnel_->wait(); }

 private:
  const std::shared_ptr<LocalBox> box_;
  const std::unique_ptr<box::Tunnel> tunnel_;
};

}  // namespace boxlite::local
