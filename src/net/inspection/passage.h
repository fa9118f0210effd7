// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace boxlite::net {

// What goes on between the guest's channel and the server's, both of which outlive it. One thread, the
// loop's.
class Passage {
 public:
  enum class State : std::uint8_t {
    running,
    done,    // both sides have ended, as far as they are concerned
    broken,  // what is still open must be reset
  };
  using Clock = std::chrono::steady_clock;

  Passage() = default;
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;
  virtual ~Passage() = default;

  // Moves what can be moved now; to be called after a change of either channel, and at the deadline.
  virtual State advance(Clock::time_point now) = 0;
  // When to come back though nothing has changed.
  virtual std::optional<Clock::time_point> deadline() const { return std::nullopt; }
};

// The earlier of two times of which there may be none.
inline std::optional<Passage::Clock::time_point> earlier(std::optional<Passage::Clock::time_point> one,
                                                         std::optional<Passage::Clock::time_point> other) {
  return one && other ? std::min(*one, *other) : one ? one : other;
}

}  // namespace boxlite::net
