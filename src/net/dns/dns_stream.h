// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/dns/dns_server.h"

namespace boxlite::net {

// DNS over one connection (RFC 7766): takes a connected stream over and answers what comes, in any order. A
// guest that does not take its answers is not read from, and one that says nothing for 30 s is left. One
// thread, the loop's; the loop and the server outlive it.
class DnsStream {
 public:
  static constexpr std::size_t most_open = 16;

  // `on_end` is called once, from the loop, when the stream is over; it may drop the object.
  static Result<std::unique_ptr<DnsStream>> create(linux_::EventLoop& loop, DnsServer& server,
                                                   UniqueFd stream, std::move_only_function<void()> on_end);
  DnsStream(const DnsStream&) = delete;
  DnsStream& operator=(const DnsStream&) = delete;

 private:
  DnsStream(linux_::EventLoop& loop, DnsServer& server, UniqueFd stream,
            std::move_only_function<void()> on_end);
  void move(linux_::Readiness ready);
  bool read();
  bool write();
  void answer_received();
  bool has_room() const;
  void take_answer(std::string_view message);
  void go_on();
  void wait_for_more();
  void end_soon();
  void end();

  linux_::EventLoop& loop_;
  DnsServer& server_;
  UniqueFd stream_;
  std::move_only_function<void()> on_end_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer idle_;
  std::string received_;
  std::string unsent_;
  std::size_t open_ = 0;  // questions; those that get no answer stay so, as no resolver asks them
  bool is_answering_ = false;
  bool has_heard_all_ = false;
  bool is_over_ = false;
  std::shared_ptr<DnsStream*> self_;  // answers that come after we have gone find nobody
};

}  // namespace boxlite::net
