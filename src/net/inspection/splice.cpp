// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/splice.h"

#include <algorithm>

namespace boxlite::net {

void move_bytes(Channel& from, Channel& to) {
  while (const auto count = std::min(from.input().size(), to.room())) {
    to.write(from.input().substr(0, count));
    from.consume(count);
    if (to.failure()) return;
  }
  if (from.has_ended() && from.input().empty()) to.finish();
}

Passage::State Splice::advance(Clock::time_point) {
  move_bytes(guest_, server_);
  move_bytes(server_, guest_);
  if (guest_.failure() || server_.failure()) return State::broken;
  return guest_.is_finished() && server_.is_finished() ? State::done : State::running;
}

}  // namespace boxlite::net
