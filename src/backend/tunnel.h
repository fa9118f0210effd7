// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/network.hpp>

namespace boxlite::backend {

// What a boxlite::Tunnel does; see there.
class Tunnel {
 public:
  virtual ~Tunnel() = default;
  virtual int fd() const = 0;
  virtual Result<void> wait() = 0;
};

}  // namespace boxlite::backend
