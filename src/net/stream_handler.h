// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"
#include "netpolicy/flow.h"

namespace boxlite::net {

// Takes over TCP connections of the guest that the gateway must not simply pass on (Decision::inspect). One
// thread: the loop's.
class StreamHandler {
 public:
  StreamHandler() = default;
  StreamHandler(const StreamHandler&) = delete;
  StreamHandler& operator=(const StreamHandler&) = delete;
  virtual ~StreamHandler() = default;

  // `guest_side`: a connected, non-blocking stream socket; the guest is at its other end, and already
  // believes that it has reached flow.destination. Closing it ends the guest's connection; with SO_LINGER 0
  // set, by a reset.
  virtual void take(UniqueFd guest_side, const netpolicy::Flow& flow) = 0;

  // The policy is another one: what it does not allow any more ends at once.
  virtual void judge_again() {}

  // Whether it is to get this connection although the policy allows it as it is.
  virtual bool wants(const netpolicy::Flow&) const { return false; }
};

}  // namespace boxlite::net
