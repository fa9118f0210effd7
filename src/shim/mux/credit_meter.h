// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/credit.h"

namespace boxlite::shim {

// One direction of a stream as seen from between its ends. Stricter than either end needs to be: credit that
// is returned was taken before, so it never exceeds the initial amount. So what may be under way, and the
// number of window frames, are bounded by what both sides have done honestly.
class CreditMeter {
 public:
  // Data passes. False: the sender exceeds its credit.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (bytes > available_) return false;
    available_ -= static_cast<std::uint32_t>(bytes);
    return true;
  }
  // A window frame of the receiver passes. False: it returns what it never got.
  [[nodiscard]] bool give(std::uint32_t bytes) {
    if (bytes > wire::initial_credit - available_) return false;
    available_ += bytes;
    return true;
  }

 private:
  std::uint32_t available_ = wire::initial_credit;
};

}  // namespace boxlite::shim
