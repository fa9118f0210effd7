// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/dns_server.h"

namespace boxlite::net {

// DNS over one TCP connection (RFC 7766): takes a connected, non-blocking stream over and answers what comes.
// Bounded: 16 questions at a time, and a guest that does not take its answers is not read from. An idle one
// is over after 30 s. One thread, the loop's.
class DnsStream {
 public:
  // `on_end` is called once, from the loop, when the stream is over: drop the object there or later.
  static Result<std::unique_ptr<DnsStream>> create(linux_::EventLoop& loop, DnsServer& server,
                                                   UniqueFd stream, std::move_only_function<void()> on_end);
  ~DnsStream();

 private:
  class Impl;
  explicit DnsStream(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // answers under way hold a weak one
};

}  // namespace boxlite::net
