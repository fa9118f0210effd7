// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http2_proxy.h"

#include <map>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "net/inspection/http/http2_session.h"
#include "net/inspection/test_inspector.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

// One end of HTTP/2 that remembers what it was told.
struct Peer : Http2Session::Listener {
  struct Seen {
    HttpFields head;
    std::string content;
    HttpFields trailers;
    bool has_ended = false;
    std::optional<std::uint32_t> closed;
    Http2Body body;
  };
  Peer(Http2Session::Part part, Channel& channel) : session(*Http2Session::create(part, channel, *this)) {}
  void on_head(std::int32_t stream, HttpFields fields, bool is_last) override {
    seen[stream].head = std::move(fields);
    seen[stream].has_ended = is_last;
  }
  void on_content(std::int32_t stream, std::string_view bytes) override {
    seen[stream].content += bytes;
    if (is_reading) session->consume(stream, bytes.size());
  }
  void on_end(std::int32_t stream, HttpFields trailers) override {
    seen[stream].trailers = std::move(trailers);
    seen[stream].has_ended = true;
  }
  void on_closed(std::int32_t stream, std::uint32_t error) override { seen[stream].closed = error; }
  void on_taken(std::int32_t, std::size_t) override {}
  void on_going_away() override { is_going_away = true; }

  std::unique_ptr<Http2Session> session;
  std::map<std::int32_t, Seen> seen;
  bool is_reading = true;
  bool is_going_away = false;
};

class Http2Test : public InspectorTest {
 protected:
  void begin_http2() {
    begin({}, true);
    guest_ = guest_tls("api.test", {"h2", "http/1.1"});
    server_ = server_tls("api.test", http2_protocol);
    ASSERT_TRUE(turn_until([&] { return guest_->is_ready(); }));
    ASSERT_EQ(guest_->protocol(), "h2");
    client_.emplace(Http2Session::Part::client, *guest_);
    origin_.emplace(Http2Session::Part::server, *server_);
  }
  template <typename Predicate>
  bool exchange_until(Predicate predicate) {
    return turn_until([&] {
      while (true) {
        const auto one = client_->session->advance();
        const auto other = origin_->session->advance();
        if (!one || !other) return true;
        if (!*one && !*other) break;
      }
      return predicate();
    });
  }
  static HttpFields request(std::string_view authority) {
    HttpFields fields;
    fields.items() = {
        {":method", "POST"}, {":scheme", "https"}, {":authority", std::string(authority)}, {":path", "/x"}};
    return fields;
  }

  std::unique_ptr<TlsStream> guest_;
  std::unique_ptr<TlsStream> server_;
  std::optional<Peer> client_;
  std::optional<Peer> origin_;
};

TEST_F(Http2Test, StreamsCarryTheValueThereAndTheMaskBack) {
  begin_http2();
  Http2Body body;
  body.append(concat("key=", placeholder));
  HttpFields trailers;
  trailers.items() = {{"x-sum", std::string(placeholder)}};
  body.end(trailers);
  auto fields = request("api.test");
  fields.items().push_back({"authorization", concat("Bearer ", placeholder)});
  fields.items().push_back({"content-length", concat(4 + placeholder.size())});
  const auto stream = *client_->session->request(fields, &body);
  ASSERT_TRUE(
      exchange_until([&] { return !origin_->seen.empty() && origin_->seen.begin()->second.has_ended; }));
  auto& [id, seen] = *origin_->seen.begin();
  EXPECT_EQ(seen.head.find("authorization"), concat("Bearer ", value));
  EXPECT_EQ(seen.head.find("content-length"), std::nullopt);
  EXPECT_EQ(seen.content, concat("key=", value));
  EXPECT_EQ(seen.trailers.find("x-sum"), value);

  HttpFields answer;
  answer.items() = {{":status", "200"}, {"x-echo", std::string(value)}};
  seen.body.append(concat("you sent ", value));
  HttpFields end;
  end.items() = {{"grpc-status", "0"}};
  seen.body.end(end);
  origin_->session->respond(id, answer, &seen.body);
  ASSERT_TRUE(exchange_until([&] { return client_->seen[stream].closed.has_value(); }));
  EXPECT_EQ(client_->seen[stream].closed, 0u);
  EXPECT_EQ(client_->seen[stream].head.find("x-echo"), placeholder);
  EXPECT_EQ(client_->seen[stream].content, concat("you sent ", placeholder));
  EXPECT_EQ(client_->seen[stream].trailers.find("grpc-status"), "0");
}

TEST_F(Http2Test, AStreamForAnotherHostIsAnsweredByUs) {
  begin_http2();
  const auto stream = *client_->session->request(request("evil.test"), nullptr);
  ASSERT_TRUE(exchange_until([&] { return client_->seen[stream].has_ended; }));
  EXPECT_EQ(client_->seen[stream].head.find(":status"), "421");
  EXPECT_TRUE(origin_->seen.empty());
}

TEST_F(Http2Test, WhatCouldBeReadAsAnotherHostIsRefused) {
  begin_http2();
  std::vector<HttpFields> heads;
  for (const std::string_view authority : {"api.test:1@evil.test", "api.test,evil.test", "api.test:8443"})
    heads.push_back(request(authority));
  heads.push_back(request("api.test"));
  heads.back().items().push_back({"host", "api.test:1@evil.test"});
  heads.push_back(request("api.test"));
  heads.back().items().push_back({"host", "evil.test"});
  heads.push_back(request("api.test"));
  heads.back().items()[1].value = "ftp";
  heads.back().items()[3].value = "http://evil.test/";
  for (const auto& head : heads) {
    const auto stream = *client_->session->request(head, nullptr);
    ASSERT_TRUE(
        exchange_until([&] { return client_->seen[stream].has_ended || client_->seen[stream].closed; }));
    EXPECT_TRUE(client_->seen[stream].head.find(":status").value_or("4").starts_with('4'));
  }
  EXPECT_TRUE(origin_->seen.empty());
}

TEST_F(Http2Test, WhoDoesNotReadStopsOnlyItsOwnStream) {
  begin_http2();
  const auto slow = *client_->session->request(request("api.test"), nullptr);
  ASSERT_TRUE(exchange_until([&] { return origin_->seen.size() == 1; }));
  const auto slow_at_origin = origin_->seen.begin()->first;
  HttpFields answer;
  answer.items() = {{":status", "200"}};
  origin_->seen[slow_at_origin].body.append(std::string(4u << 20, 'x'));
  client_->is_reading = false;
  origin_->session->respond(slow_at_origin, answer, &origin_->seen[slow_at_origin].body);
  ASSERT_TRUE(
      exchange_until([&] { return client_->seen[slow].content.size() >= Http2Session::stream_window; }));
  client_->is_reading = true;
  const auto quick = *client_->session->request(request("api.test"), nullptr);
  ASSERT_TRUE(exchange_until([&] { return origin_->seen.size() == 2; }));
  auto& last = *origin_->seen.rbegin();
  last.second.body.append("quick");
  last.second.body.end();
  origin_->session->respond(last.first, answer, &last.second.body);
  ASSERT_TRUE(exchange_until([&] { return client_->seen[quick].has_ended; }));
  EXPECT_EQ(client_->seen[quick].content, "quick");
  EXPECT_EQ(client_->seen[slow].content.size(), Http2Session::stream_window);
}

TEST_F(Http2Test, ACancelledStreamIsCancelledAtTheServer) {
  begin_http2();
  Http2Body body;
  const auto stream = *client_->session->request(request("api.test"), &body);
  ASSERT_TRUE(exchange_until([&] { return origin_->seen.size() == 1; }));
  client_->session->reset(stream, NGHTTP2_CANCEL);
  ASSERT_TRUE(exchange_until([&] { return origin_->seen.begin()->second.closed.has_value(); }));
  EXPECT_EQ(origin_->seen.begin()->second.closed, std::uint32_t{NGHTTP2_CANCEL});
}

TEST_F(Http2Test, AFloodOfResetsEndsTheConnection) {
  begin_http2();
  bool is_over = false;
  for (int i = 0; i < 2000 && !is_over; ++i) {
    const auto stream = client_->session->request(request("api.test"), nullptr);
    if (!stream) break;
    (void)exchange_until([] { return true; });
    client_->session->reset(*stream, NGHTTP2_CANCEL);
    (void)exchange_until([] { return true; });
    is_over = client_->is_going_away || guest_->failure() || guest_->has_ended();
    (void)loop_->run_once(Deadline::after(0ms));
  }
  EXPECT_TRUE(is_over || turn_until([&] {
                (void)client_->session->advance();
                return client_->is_going_away || guest_->failure() || guest_->has_ended();
              }));
  EXPECT_LT(origin_->seen.size(), 1000u);
}

TEST_F(Http2Test, AServerThatGoesAwayTakesTheConnectionWithIt) {
  begin_http2();
  const auto stream = *client_->session->request(request("api.test"), nullptr);
  ASSERT_TRUE(exchange_until([&] { return origin_->seen.size() == 1; }));
  server_->reset();
  ASSERT_TRUE(turn_until([&] {
    (void)client_->session->advance();
    return client_->seen[stream].closed.has_value();
  }));
  EXPECT_NE(client_->seen[stream].closed, 0u);
  EXPECT_TRUE(turn_until([&] {
    (void)client_->session->advance();
    return guest_->has_ended() || guest_->failure();
  }));
}

}  // namespace
}  // namespace boxlite::net
