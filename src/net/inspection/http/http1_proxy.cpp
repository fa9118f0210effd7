// SPDX-License-Identifier: Apache-2.0
// The way from the server to the guest, and what both ways share.
#include "net/inspection/http/http1_proxy.h"

#include "base/concat.h"
#include "net/inspection/splice.h"

namespace boxlite::net {
namespace {

// Compressed content is not looked into.
bool is_readable(const HttpFields& fields) {
  const auto encoding = fields.find("content-encoding");
  return !encoding || equals_ignoring_case(*encoding, "identity");
}

}  // namespace

Http1Proxy::Http1Proxy(Channel& guest, Channel& server, ExchangeRules rules)
    : guest_(guest), server_(server), rules_(std::move(rules)) {}

Passage::State Http1Proxy::advance(Clock::time_point now) {
  now_ = now;
  if (head_deadline_ && now >= *head_deadline_) return State::broken;
  for (bool moved = true; moved;) {
    const auto requested = advance_requests();
    const auto answered = requested ? advance_responses() : Result<bool>(false);
    if (!requested || !answered || guest_.failure() || server_.failure()) return State::broken;
    moved = *requested || *answered;
    if (guest_.is_cut_off() && !exchanges_.empty()) return State::broken;  // nobody waits for the answer
    if (request_phase_ == Phase::ended && response_phase_ == Phase::head && exchanges_.empty()) end();
  }
  // The last bytes may have met a peer that is gone.
  if (guest_.failure() || server_.failure()) return State::broken;
  return guest_.is_finished() && server_.is_finished() ? State::done : State::running;
}

Result<bool> Http1Proxy::advance_responses() {
  if (guest_.room() == 0) {
    is_server_interrupted_ = is_server_interrupted_ || !server_.input().empty();
    return false;
  }
  switch (response_phase_) {
    case Phase::head: return read_response_head();
    case Phase::body: return move_response_body();
    case Phase::raw: {
      const auto before = server_.input().size();
      move_bytes(server_, guest_);
      return server_.input().size() != before;
    }
    case Phase::ended: return false;
  }
  return false;
}

Result<bool> Http1Proxy::read_response_head() {
  const auto input = server_.input();
  if (input.empty()) {
    if (server_.has_ended()) BOXLITE_TRY(end_of_server());
    return false;
  }
  if (exchanges_.empty()) return fail(ErrorCode::corrupted, "HTTP: an answer that nobody asked for");
  auto head = BOXLITE_TRY(parse_response_head(input));
  if (!head) {
    if (server_.has_ended())
      return fail(ErrorCode::corrupted,
                  "HTTP response: the server closed the connection before the end of the header");
    return false;
  }
  const auto size = head->size;
  BOXLITE_TRY(begin_response(*std::move(head), input.substr(0, size)));
  server_.consume(size);
  return true;
}

Result<void> Http1Proxy::begin_response(ResponseHead head, std::string_view as_read) {
  auto& exchange = exchanges_.front();
  const auto framing = BOXLITE_TRY(body_framing(head, exchange.method));
  bool is_changed = false;
  if (rules_.substitution != nullptr) {
    is_changed = rules_.substitution->mask(head.fields);
    is_changed = rules_.substitution->mask(head.reason) || is_changed;
  }
  guest_.write(is_changed ? head.str() : std::string(as_read));
  if (head.status == 101) {
    if (!exchange.wants_upgrade) return fail(ErrorCode::corrupted, "HTTP: an upgrade that nobody asked for");
    request_phase_ = response_phase_ = Phase::raw;
    return {};
  }
  if (head.status < 200) return {};
  if (framing.kind == BodyFraming::Kind::none) {
    exchanges_.pop_front();
    return {};
  }
  response_phase_ = Phase::body;
  response_body_.emplace(response_transfer(head, framing));
  return {};
}

Http1Transfer Http1Proxy::response_transfer(const ResponseHead& head, const BodyFraming& framing) const {
  using Form = Http1Transfer::Form;
  const auto* const masks = rules_.substitution;
  if (masks == nullptr || masks->to_guest().is_empty()) return {framing, Form::as_it_is, nullptr};
  const bool is_masked = is_readable(head.fields);
  // The trailers can be read in any case.
  if (framing.kind == BodyFraming::Kind::chunked)
    return {framing, Form::chunked, is_masked ? &masks->to_guest() : nullptr, masks};
  if (!is_masked) return {framing, Form::as_it_is, nullptr};
  const bool has_length = framing.kind == BodyFraming::Kind::length;
  return {framing, Form::plain, has_length ? &masks->to_guest_in_place() : &masks->to_guest()};
}

Result<bool> Http1Proxy::move_response_body() {
  if (server_.input().empty() && !server_.has_ended()) return let_go_when_due();
  if (let_go_at_) is_server_interrupted_ = false;
  let_go_at_.reset();
  std::string out;
  const auto taken = BOXLITE_TRY(response_body_->move(server_.input(), guest_.room(), out));
  server_.consume(taken);
  const bool is_closed = taken == 0 && server_.has_ended();
  if (is_closed) BOXLITE_TRY(response_body_->close(out));
  if (!out.empty()) guest_.write(out);
  if (is_closed || response_body_->is_complete()) {
    response_body_.reset();
    exchanges_.pop_front();
    response_phase_ = Phase::head;
    return true;
  }
  if (server_.input().empty() && response_body_->may_let_go())
    let_go_at_ = now_ + (is_server_interrupted_ ? longest_interruption : longest_hold);
  return taken != 0;
}

// The server pauses. Its words must not wait for those that may never come.
bool Http1Proxy::let_go_when_due() {
  if (!let_go_at_ || now_ < *let_go_at_) return false;
  let_go_at_.reset();
  std::string out;
  response_body_->let_go(out);
  guest_.write(out);
  return true;
}

// No request comes any more, and all have been answered.
void Http1Proxy::end() {
  if (refusal_) return answer_refusal();
  response_phase_ = Phase::ended;
  guest_.finish();
  server_.finish();
}

// Between two answers, or where one was awaited: the guest sees the same.
Result<void> Http1Proxy::end_of_server() {
  if (server_.is_cut_off() && !exchanges_.empty()) {
    return fail(ErrorCode::unavailable, "HTTP: the server's connection was cut off");
  }
  request_phase_ = Phase::ended;
  exchanges_.clear();
  end();
  return {};
}

}  // namespace boxlite::net
