// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/inspection/channel.h"
#include "net/inspection/http/exchange_rules.h"
#include "net/inspection/http/http1_transfer.h"
#include "net/inspection/passage.h"

namespace boxlite::net {

// HTTP/1.0 and 1.1 with pipelining, interim answers and upgrades. What no rule changes passes byte for byte.
// A body in which a placeholder may stand keeps its Content-Length while it is small enough to be held back;
// a longer one becomes chunked. After a change of protocol (WebSocket) bytes pass as they are.
class Http1Proxy : public Passage {
 public:
  static constexpr std::chrono::seconds head_limit{10};
  static constexpr std::size_t most_pipelined = 32;
  static constexpr std::size_t longest_held_body = 64u << 10;

  Http1Proxy(Channel& guest, Channel& server, ExchangeRules rules);
  State advance(Clock::time_point now) override;
  std::optional<Clock::time_point> deadline() const override { return earlier(head_deadline_, let_go_at_); }

 private:
  enum class Phase : std::uint8_t { head, body, raw, ended };
  struct Exchange {
    std::string method;
    bool wants_upgrade = false;
  };

  // Each returns whether it got anywhere.
  Result<bool> advance_requests();
  Result<bool> read_request_head();
  Result<void> begin_request(RequestHead head);
  Result<bool> substitute_fields(RequestHead& head) const;
  Http1Transfer::Form choose_request_form(const RequestHead& head, const BodyFraming& framing);
  Result<bool> move_request_body();
  void end_request_body();
  void refuse(RefusalAnswer answer);
  void refuse_malformed(const Error& error);
  void answer_refusal();

  Result<bool> advance_responses();
  Result<bool> read_response_head();
  Result<void> begin_response(ResponseHead head, std::string_view as_read);
  Http1Transfer response_transfer(const ResponseHead& head, const BodyFraming& framing) const;
  Result<bool> move_response_body();
  bool let_go_when_due();
  Result<void> end_of_server();
  void end();

  bool awaits_upgrade() const { return !exchanges_.empty() && exchanges_.back().wants_upgrade; }

  Channel& guest_;
  Channel& server_;
  ExchangeRules rules_;

  Clock::time_point now_;  // of advance()

  Phase request_phase_ = Phase::head;
  std::optional<Http1Transfer> request_body_;
  std::optional<RequestHead> held_head_;  // waits for its body, which is held back
  std::string held_body_;
  std::optional<Clock::time_point> head_deadline_;

  Phase response_phase_ = Phase::head;
  std::optional<Http1Transfer> response_body_;
  std::optional<Clock::time_point> let_go_at_;  // of what is held back of the answer
  bool is_server_interrupted_ = false;          // by us, and has not been heard of again

  std::deque<Exchange> exchanges_;        // requested, not answered in full
  std::optional<RefusalAnswer> refusal_;  // to be given when the answers before it are out
  bool is_refused_ = false;
};

}  // namespace boxlite::net
