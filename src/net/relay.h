// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"

namespace boxlite::net {

// Two streams that are one: what comes in at one end goes out at the other, until both directions have ended
// or one end broke. An end that is gone before it said a word has refused the connection, and the other one
// is told so by a reset. Keeps at most `buffer_size` in each direction. One thread, the loop's.
class Relay {
 public:
  static constexpr std::size_t buffer_size = 64u << 10;

  // Non-blocking stream sockets. `on_end` is called once, from the loop; the relay may be dropped by it.
  static Result<std::unique_ptr<Relay>> create(linux_::EventLoop& loop, UniqueFd one, UniqueFd other,
                                               std::move_only_function<void()> on_end);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 private:
  // From one end to the other.
  struct Direction {
    std::vector<char> buffer = {};
    std::size_t begin = 0;
    std::size_t end = 0;
    bool has_begun = false;  // something has come in
    bool has_ended = false;  // nothing more comes in
    bool is_over = false;    // and all of it has gone out
  };
  struct End {
    UniqueFd socket;
    linux_::EventLoop::Watch watch = {};
  };

  Relay(UniqueFd one, UniqueFd other, std::move_only_function<void()> on_end)
      : ends_{End{std::move(one)}, End{std::move(other)}}, on_end_(std::move(on_end)) {}
  void on_ready();
  // False: an end broke.
  bool move(std::size_t from);
  void update();

  std::array<End, 2> ends_;
  std::array<Direction, 2> directions_;  // by the end where it comes in
  std::move_only_function<void()> on_end_;
};

}  // namespace boxlite::net
