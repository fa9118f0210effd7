// SPDX-License-Identifier: Apache-2.0
// The way from the guest to the server.
#include <algorithm>

#include "base/concat.h"
#include "net/inspection/http/http1_proxy.h"
#include "net/inspection/splice.h"

namespace boxlite::net {
namespace {

// HTTP/2 without TLS would pass us as unread bytes; a server takes a missing field for a client that cannot.
void remove_cleartext_http2(HttpFields& fields) {
  if (!fields.has_word("upgrade", "h2c")) return;
  fields.remove("upgrade");
  fields.remove("http2-settings");
}

void set_field(HttpFields& fields, std::string_view name, std::string value) {
  for (auto& field : fields.items()) {
    if (equals_ignoring_case(field.name, name)) {
      field.value = std::move(value);
      return;
    }
  }
  fields.items().push_back({std::string(name), std::move(value)});
}

}  // namespace

Result<bool> Http1Proxy::advance_requests() {
  switch (request_phase_) {
    case Phase::head: return read_request_head();
    case Phase::body: return move_request_body();
    case Phase::raw: {
      const auto before = guest_.input().size();
      move_bytes(guest_, server_);
      return guest_.input().size() != before;
    }
    case Phase::ended: return false;
  }
  return false;
}

Result<bool> Http1Proxy::read_request_head() {
  // What follows an Upgrade may be of either protocol until the server has chosen.
  if (awaits_upgrade() || exchanges_.size() >= most_pipelined || server_.room() == 0) return false;
  guest_.consume(count_line_ends(guest_.input()));
  const auto input = guest_.input();
  if (input.empty()) {
    if (guest_.has_ended()) {
      request_phase_ = Phase::ended;
      server_.finish();
    }
    return false;
  }
  auto head = parse_request_head(input);
  if (head && !*head) {
    if (guest_.has_ended())
      return fail(ErrorCode::corrupted,
                  "HTTP request: the guest closed the connection before the end of the header");
    if (!head_deadline_) head_deadline_ = now_ + head_limit;
    return false;
  }
  head_deadline_.reset();
  if (!head) {
    refuse_malformed(head.error());
    return true;
  }
  const auto size = (*head)->size;
  if (auto begun = begin_request(**std::move(head)); !begun) refuse_malformed(begun.error());
  if (!is_refused_) guest_.consume(size);
  return true;
}

Result<void> Http1Proxy::begin_request(RequestHead head) {
  const auto authority = BOXLITE_TRY(authority_of(head));
  const auto framing = BOXLITE_TRY(body_framing(head));
  if (const auto why = rules_.refusal(authority)) {
    refuse(misdirected(*why));
    return {};
  }
  const auto as_read = std::string(guest_.input().substr(0, head.size));
  bool is_changed = BOXLITE_TRY(substitute_fields(head));
  if (head.fields.has_word("upgrade", "h2c")) {
    remove_cleartext_http2(head.fields);
    is_changed = true;
  }
  const auto form = choose_request_form(head, framing);
  if (form == Http1Transfer::Form::chunked && framing.kind == BodyFraming::Kind::length) {
    if (head.minor_version == 0) return fail(ErrorCode::unsupported, "HTTP/1.0 with a body of this length");
    head.fields.remove("content-length");
    head.fields.items().push_back({"Transfer-Encoding", "chunked"});
    is_changed = true;
  }
  exchanges_.push_back({head.method, head.fields.count("upgrade") != 0});
  if (framing.kind == BodyFraming::Kind::none) {
    server_.write(is_changed ? head.str() : as_read);
    return {};
  }
  request_phase_ = Phase::body;
  request_body_.emplace(framing, form,
                        form == Http1Transfer::Form::as_it_is ? nullptr : &rules_.substitution->to_server());
  if (form == Http1Transfer::Form::plain) {
    held_head_ = std::move(head);
  } else {
    server_.write(is_changed ? head.str() : as_read);
  }
  return {};
}

Result<bool> Http1Proxy::substitute_fields(RequestHead& head) const {
  if (rules_.substitution == nullptr) return false;
  bool is_changed = false;
  std::size_t size = 0;
  for (auto& field : head.fields.items()) {
    is_changed = BOXLITE_TRY(rules_.substitution->substitute(field.name, field.value)) || is_changed;
    size += field.value.size();
    if (size > max_http_head) {
      return fail(ErrorCode::resource_exhausted, "HTTP head: with the secrets in place it would be too long");
    }
  }
  return is_changed;
}

// `plain`: held back as a whole.
Http1Transfer::Form Http1Proxy::choose_request_form(const RequestHead& head, const BodyFraming& framing) {
  if (rules_.substitution == nullptr) return Http1Transfer::Form::as_it_is;
  const auto& words = rules_.substitution->to_server();
  if (framing.kind != BodyFraming::Kind::length) return Http1Transfer::Form::chunked;
  if (framing.length < words.shortest()) return Http1Transfer::Form::as_it_is;
  // A client that waits for 100 Continue sends no body before the server has seen the head.
  const bool may_wait =
      framing.length <= std::min(longest_held_body, words.piece_for(16 * longest_held_body)) &&
      head.fields.count("expect") == 0;
  return may_wait ? Http1Transfer::Form::plain : Http1Transfer::Form::chunked;
}

Result<bool> Http1Proxy::move_request_body() {
  const auto room = held_head_ ? longest_held_body : server_.room();
  if (room == 0 || (guest_.input().empty() && !guest_.has_ended())) return false;
  std::string out;
  const auto taken = BOXLITE_TRY(request_body_->move(guest_.input(), room, out));
  guest_.consume(taken);
  if (held_head_) {
    held_body_ += out;
  } else if (!out.empty()) {
    server_.write(out);
  }
  if (request_body_->is_complete()) {
    end_request_body();
  } else if (taken == 0 && guest_.has_ended()) {
    return fail(ErrorCode::corrupted,
                "HTTP request: the guest closed the connection before the end of the body");
  }
  return taken != 0;
}

void Http1Proxy::end_request_body() {
  if (held_head_) {
    set_field(held_head_->fields, "Content-Length", concat(held_body_.size()));
    auto message = held_head_->str() + held_body_;
    server_.write(message);
    netpolicy::wipe(message);
    netpolicy::wipe(held_body_);
    held_head_.reset();
  }
  request_body_.reset();
  request_phase_ = Phase::head;
}

// The guest's connection is of no use afterwards: what it sends next may be the body of what was refused.
void Http1Proxy::refuse(RefusalAnswer answer) {
  is_refused_ = true;
  refusal_ = std::move(answer);
  request_phase_ = Phase::ended;
}

void Http1Proxy::refuse_malformed(const Error& error) {
  rules_.on_malformed(error.message());
  refuse(bad_request(error.message()));
}

void Http1Proxy::answer_refusal() {
  const auto body = answer_body(*refusal_);
  guest_.write(concat("HTTP/1.1 ", refusal_->status, " ", refusal_->reason,
                      "\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ", body.size(),
                      "\r\n\r\n", body));
  refusal_.reset();
  end();
}

}  // namespace boxlite::net
