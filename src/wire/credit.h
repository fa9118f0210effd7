// SPDX-License-Identifier: Apache-2.0
// Flow control of one direction of a stream. Both sides start from initial_credit bytes of data payload; the
// sender takes, the receiver returns what its user has consumed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace boxlite::wire {

inline constexpr std::uint32_t initial_credit = 256u << 10;
// No honest receiver lets this much be under way; more would only let sums overflow.
inline constexpr std::uint32_t max_credit = 1u << 30;

class SendCredit {
 public:
  std::uint32_t available() const { return available_; }
  // `count` bytes were sent; at most available().
  void take(std::size_t count) { available_ -= static_cast<std::uint32_t>(count); }
  // A window frame came. False: the peer broke the protocol; reset the stream.
  [[nodiscard]] bool grant(std::uint32_t count) {
    if (count > max_credit - available_) return false;
    available_ += count;
    return true;
  }

 private:
  std::uint32_t available_ = initial_credit;
};

class ReceiveCredit {
 public:
  // A data frame came. False: the peer sent more than it may; reset the stream.
  [[nodiscard]] bool receive(std::size_t count) {
    if (count > left_) return false;
    left_ -= static_cast<std::uint32_t>(count);
    return true;
  }
  // The user has consumed `count` of the received bytes. Returns how many to announce in a window frame now;
  // 0 while it is too little for a frame of its own.
  [[nodiscard]] std::uint32_t consume(std::size_t count) {
    consumed_ += static_cast<std::uint32_t>(count);
    if (consumed_ < initial_credit / 4) return 0;
    const std::uint32_t announced = consumed_;
    left_ += announced;
    consumed_ = 0;
    return announced;
  }

 private:
  std::uint32_t left_ = initial_credit;
  std::uint32_t consumed_ = 0;
};

}  // namespace boxlite::wire
