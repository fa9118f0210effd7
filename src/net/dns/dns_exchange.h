// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/dns/dns_message.h"
#include "net/dns/host_file.h"

namespace boxlite::net {

// One question to one name server: by UDP, and by TCP when the answer does not fit. From a port of its own
// and with an id of its own; datagrams that answer something else are not looked at. One thread, the loop's.
class DnsExchange {
 public:
  using Done = std::move_only_function<void(Result<DnsMessage>)>;

  struct Request {
    NameServer server;
    DnsQuestion question;
    bool has_edns = true;  // some old servers know nothing of it
    std::chrono::milliseconds limit;
  };

  // `done` is called once, from the loop; it may drop the exchange.
  static Result<std::unique_ptr<DnsExchange>> start(linux_::EventLoop& loop, Request request, Done done);
  DnsExchange(const DnsExchange&) = delete;
  DnsExchange& operator=(const DnsExchange&) = delete;

 private:
  DnsExchange(linux_::EventLoop& loop, Request request, Done done);
  Result<void> open(int type);
  Result<void> send_datagram();
  void receive_datagrams();
  Result<void> begin_stream();
  void move_stream(linux_::Readiness ready);
  Result<void> write_stream();
  Result<void> read_stream();
  bool is_answer(const DnsMessage& message) const;
  void finish(Result<DnsMessage> result);

  linux_::EventLoop& loop_;
  Request request_;
  Done done_;
  std::string query_;
  std::uint16_t id_;
  UniqueFd socket_;
  std::string unsent_;    // of a stream
  std::string received_;  // of a stream
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer timer_;
};

}  // namespace boxlite::net
