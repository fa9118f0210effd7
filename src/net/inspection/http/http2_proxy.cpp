// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http2_proxy.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace boxlite::net {
namespace {

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::corrupted, concat("HTTP/2 head: ", what));
}

// Whom a request is for. corrupted when it names none, or two, or has a path that may name another.
Result<Authority> authority_of(const HttpFields& fields) {
  if (fields.find(":method") == "CONNECT") return malformed("CONNECT is for proxies");
  const auto scheme = fields.find(":scheme").value_or("");
  const auto path = fields.find(":path").value_or("");
  if (scheme != "https" && scheme != "http") return malformed("another scheme than HTTP's");
  if (!path.starts_with('/') && (path != "*" || fields.find(":method") != "OPTIONS"))
    return malformed("a malformed path");
  const auto authority = fields.find(":authority");
  const auto host = fields.find("host");
  if ((!authority && !host) || fields.count("host") > 1) return malformed("not exactly one host");
  auto meant = BOXLITE_TRY(parse_authority(authority ? *authority : *host));
  if (authority && host && BOXLITE_TRY(parse_authority(*host)) != meant) return malformed("two hosts");
  return meant;
}

std::uint64_t announced_length(const HttpFields& fields) {
  const auto text = fields.find("content-length").value_or("");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc() ? length : 0;
}

bool is_interim(const HttpFields& fields) {
  return fields.find(":status").value_or("").starts_with('1');
}

}  // namespace

Result<std::unique_ptr<Http2Proxy>> Http2Proxy::create(Channel& guest, Channel& server, ExchangeRules rules) {
  std::unique_ptr<Http2Proxy> proxy(new Http2Proxy(guest, server, std::move(rules)));
  using Part = Http2Session::Part;
  proxy->guest_session_ = BOXLITE_TRY(Http2Session::create(Part::server, guest, proxy->guest_side_));
  proxy->server_session_ = BOXLITE_TRY(Http2Session::create(Part::client, server, proxy->server_side_));
  return proxy;
}

Passage::State Http2Proxy::advance(Clock::time_point now) {
  if (const auto limit = guest_session_->deadline(); limit && now >= *limit) return State::broken;
  for (bool moved = true; moved;) {
    const auto at_guest = guest_session_->advance();
    if (!at_guest || guest_.failure()) return State::broken;
    moved = let_go_when_due(now) || *at_guest;
    if (is_server_gone_) continue;
    const auto at_server = server_session_->advance();
    if (!at_server || server_.failure() || (server_.has_ended() && server_.input().empty())) {
      end_of_server();
      moved = true;
    } else {
      moved = *at_server || moved;
    }
  }
  // A guest that has closed would have cancelled what it does not want any more; nobody is left to be
  // answered.
  const bool is_guest_gone = guest_.has_ended() && guest_.input().empty();
  if (is_guest_gone || (is_draining_ && streams_.empty()) || guest_session_->is_over()) {
    guest_.finish();
    server_.finish();
  }
  if (guest_.failure()) return State::broken;
  const bool is_server_done = is_server_gone_ || server_.failure() || server_.is_finished();
  return guest_.is_finished() && is_server_done ? State::done : State::running;
}

// A server that pauses: its words must not wait for those that may never come. One that has announced more,
// or may not send, goes on.
bool Http2Proxy::let_go_when_due(Clock::time_point now) {
  bool has_let_go = false;
  let_go_at_.reset();
  for (const auto& [id, stream] : streams_) {
    if (!stream->response.is_holding() || stream->announced != 0) continue;
    if (!stream->let_go_at && !server_session_->is_peer_stopped(stream->server))
      stream->let_go_at = now + (stream->is_server_interrupted ? longest_interruption : longest_hold);
    if (stream->let_go_at && now >= *stream->let_go_at) {
      stream->response.let_go();
      stream->let_go_at.reset();
      guest_session_->resume(id);
      has_let_go = true;
    }
    let_go_at_ = earlier(let_go_at_, stream->let_go_at);
  }
  return has_let_go;
}

// What the server has answered in full still gets to the guest.
void Http2Proxy::end_of_server() {
  is_server_gone_ = true;
  drain();
  for (const auto& [id, stream] : streams_) {
    stream->is_open_at_server = false;
    if (!stream->response.is_ended()) guest_session_->reset(id, NGHTTP2_INTERNAL_ERROR);
  }
  by_server_.clear();
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    const auto next = std::next(stream);
    forget_if_closed(*stream->second);
    stream = next;
  }
}

void Http2Proxy::drain() {
  if (is_draining_) return;
  is_draining_ = true;
  guest_session_->go_away();
}

Http2Proxy::Stream* Http2Proxy::at_guest(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

Http2Proxy::Stream* Http2Proxy::at_server(StreamId id) {
  const auto found = by_server_.find(id);
  return found == by_server_.end() ? nullptr : found->second;
}

void Http2Proxy::forget_if_closed(Stream& stream) {
  if (!stream.is_open_at_guest && !stream.is_open_at_server) streams_.erase(stream.guest);
}

std::optional<RefusalAnswer> Http2Proxy::refusal_of(const HttpFields& fields) const {
  const auto authority = authority_of(fields);
  if (!authority) return malformed_answer(authority.error());
  if (auto why = rules_.refusal(*authority)) return misdirected(*why);
  return std::nullopt;
}

RefusalAnswer Http2Proxy::malformed_answer(const Error& error) const {
  rules_.on_malformed(error.message());
  return bad_request(error.message());
}

Result<void> Http2Proxy::substitute(HttpFields& fields) const {
  if (rules_.substitution == nullptr) return {};
  std::size_t size = 0;
  for (auto& field : fields.items()) {
    if (!field.name.starts_with(':') &&
        BOXLITE_TRY(rules_.substitution->substitute(field.name, field.value))) {
      field.is_sensitive = true;
    }
    size += field.value.size();
    if (size > max_http_head) {
      return fail(ErrorCode::resource_exhausted, "with the secrets in place the head would be too long");
    }
  }
  return {};
}

void Http2Proxy::mask(HttpFields& fields) const {
  if (rules_.substitution != nullptr) rules_.substitution->mask(fields);
}

const Replacements* Http2Proxy::request_replacements(HttpFields& fields) const {
  if (rules_.substitution == nullptr) return nullptr;
  const auto& words = rules_.substitution->to_server();
  if (const auto text = fields.find("content-length")) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
    if (error == std::errc() && length < words.shortest()) return nullptr;
    fields.remove("content-length");
  }
  return &words;
}

const Replacements* Http2Proxy::response_replacements(const HttpFields& fields) const {
  const auto encoding = fields.find("content-encoding");
  if (rules_.substitution == nullptr || (encoding && !equals_ignoring_case(*encoding, "identity")))
    return nullptr;
  return fields.count("content-length") != 0 ? &rules_.substitution->to_guest_in_place()
                                             : &rules_.substitution->to_guest();
}

void Http2Proxy::forward_request(Stream& stream, HttpFields fields, bool is_last) {
  if (const auto refused = refusal_of(fields)) return answer(stream, *refused);
  if (const auto done = substitute(fields); !done) return answer(stream, malformed_answer(done.error()));
  if (!is_last) stream.request.set_replacements(request_replacements(fields));
  const auto id = server_session_->request(fields, is_last ? nullptr : &stream.request);
  if (!id) return guest_session_->reset(stream.guest, NGHTTP2_REFUSED_STREAM);
  stream.server = *id;
  stream.is_open_at_server = true;
  by_server_.emplace(*id, &stream);
}

void Http2Proxy::answer(Stream& stream, const RefusalAnswer& answer) {
  const auto body = answer_body(answer);
  HttpFields fields;
  fields.items() = {{":status", concat(answer.status)},
                    {"content-type", "text/plain"},
                    {"content-length", concat(body.size())}};
  stream.response.append(body);
  stream.response.end();
  guest_session_->respond(stream.guest, fields, &stream.response);
}

void Http2Proxy::GuestSide::on_head(StreamId id, HttpFields fields, bool is_last) {
  auto& stream = *proxy_.streams_.emplace(id, std::make_unique<Stream>()).first->second;
  stream.guest = id;
  if (proxy_.is_draining_) return proxy_.guest_session_->reset(id, NGHTTP2_REFUSED_STREAM);
  proxy_.forward_request(stream, std::move(fields), is_last);
}

void Http2Proxy::GuestSide::on_content(StreamId id, std::string_view bytes) {
  auto* const stream = proxy_.at_guest(id);
  if (stream == nullptr || !stream->is_open_at_server)
    return proxy_.guest_session_->consume(id, bytes.size());
  stream->request.append(bytes);
  proxy_.server_session_->resume(stream->server);
}

void Http2Proxy::GuestSide::on_end(StreamId id, HttpFields trailers) {
  auto* const stream = proxy_.at_guest(id);
  if (stream == nullptr || !stream->is_open_at_server) return;
  if (!proxy_.substitute(trailers)) trailers = {};
  stream->request.end(std::move(trailers));
  proxy_.server_session_->resume(stream->server);
}

void Http2Proxy::GuestSide::on_closed(StreamId id, std::uint32_t error) {
  auto* const stream = proxy_.at_guest(id);
  if (stream == nullptr) return;
  stream->is_open_at_guest = false;
  if (error != 0) {
    proxy_.guest_session_->consume(id, stream->request.discard());
    if (stream->is_open_at_server) proxy_.server_session_->reset(stream->server, error);
  }
  // What the server sent for it will not be taken.
  if (stream->server != 0) proxy_.server_session_->consume(stream->server, stream->response.discard());
  proxy_.forget_if_closed(*stream);
}

void Http2Proxy::GuestSide::on_taken(StreamId id, std::size_t bytes) {
  if (const auto* const stream = proxy_.at_guest(id); stream != nullptr && stream->server != 0) {
    proxy_.server_session_->consume(stream->server, bytes);
  }
}

void Http2Proxy::ServerSide::on_head(StreamId id, HttpFields fields, bool is_last) {
  auto* const stream = proxy_.at_server(id);
  if (stream == nullptr || !stream->is_open_at_guest) return;
  proxy_.mask(fields);
  if (!is_last && !is_interim(fields)) {
    stream->announced = announced_length(fields);
    stream->response.set_replacements(proxy_.response_replacements(fields));
  }
  if (is_last) stream->response.end();
  proxy_.guest_session_->respond(stream->guest, fields, is_last ? nullptr : &stream->response);
}

void Http2Proxy::ServerSide::on_content(StreamId id, std::string_view bytes) {
  auto* const stream = proxy_.at_server(id);
  if (stream == nullptr || !stream->is_open_at_guest)
    return proxy_.server_session_->consume(id, bytes.size());
  stream->announced -= std::min<std::uint64_t>(stream->announced, bytes.size());
  stream->is_server_interrupted = proxy_.server_session_->is_peer_stopped(id);
  stream->let_go_at.reset();
  stream->response.append(bytes);
  proxy_.guest_session_->resume(stream->guest);
}

void Http2Proxy::ServerSide::on_end(StreamId id, HttpFields trailers) {
  auto* const stream = proxy_.at_server(id);
  if (stream == nullptr) return;
  proxy_.mask(trailers);
  stream->response.end(std::move(trailers));
  proxy_.guest_session_->resume(stream->guest);
}

void Http2Proxy::ServerSide::on_closed(StreamId id, std::uint32_t error) {
  auto* const stream = proxy_.at_server(id);
  if (stream == nullptr) return;
  stream->is_open_at_server = false;
  proxy_.by_server_.erase(id);
  if (stream->is_open_at_guest) {
    proxy_.guest_session_->consume(stream->guest, stream->request.discard());
    if (!stream->response.is_ended()) {
      proxy_.guest_session_->reset(stream->guest, error != 0 ? error : std::uint32_t{NGHTTP2_INTERNAL_ERROR});
    }
  }
  proxy_.forget_if_closed(*stream);
}

void Http2Proxy::ServerSide::on_taken(StreamId id, std::size_t bytes) {
  if (const auto* const stream = proxy_.at_server(id)) proxy_.guest_session_->consume(stream->guest, bytes);
}

}  // namespace boxlite::net
