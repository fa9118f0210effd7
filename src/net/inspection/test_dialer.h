// SPDX-License-Identifier: Apache-2.0
// For tests: instead of a connection to a server one whose other end the test has.
#pragma once

#include <deque>
#include <utility>

#include "base/unique_fd.h"
#include "linux/sockets/unix_socket.h"
#include "net/inspection/inspector.h"

namespace boxlite::net {

class PairDialer : public Dialer {
 public:
  Result<UniqueFd> dial(const netpolicy::Flow&) override {
    ++count;
    if (refuses) return fail(ErrorCode::unavailable, "connect: Connection refused");
    auto pair = BOXLITE_TRY(linux_::unix_socket_pair());
    BOXLITE_TRY(linux_::set_non_blocking(pair.first.get()));
    BOXLITE_TRY(linux_::set_non_blocking(pair.second.get()));
    far.push_back(std::move(pair.second));
    return std::move(pair.first);
  }
  std::deque<UniqueFd> far;
  int count = 0;
  bool refuses = false;
};

}  // namespace boxlite::net
