// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/inspection/channel.h"
#include "net/inspection/passage.h"

namespace boxlite::net {

// Moves input of one channel to the other as far as there is room, and passes its end on.
void move_bytes(Channel& from, Channel& to);

// The bytes of both sides unchanged, half-closes and back-pressure included.
class Splice : public Passage {
 public:
  Splice(Channel& guest, Channel& server) : guest_(guest), server_(server) {}
  State advance(Clock::time_point now) override;

 private:
  Channel& guest_;
  Channel& server_;
};

}  // namespace boxlite::net
