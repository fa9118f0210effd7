// SPDX-License-Identifier: Apache-2.0
// What is masked must not tell the guest more than that a value occurs in full: what comes out of an answer,
// and at which step, is the same for two values of one length.
#include <random>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "net/inspection/http/http1_proxy.h"
#include "net/inspection/http/http2_proxy.h"
#include "net/inspection/test_channel.h"

namespace boxlite::net {
namespace {

using Steps = std::vector<std::string>;  // what came out at each

struct Masked {
  explicit Masked(std::string_view value)
      : secret(*netpolicy::Secret::create({"key", {"a.test"}, ""}, netpolicy::SecretValue(value))) {}
  netpolicy::Secret secret;
  Substitution substitution{{&secret}};
};

// Text that is full of beginnings, ends and parts of a value.
std::string tempting_text(std::mt19937& random, std::string_view one, std::string_view other) {
  std::string text;
  while (text.size() < 300) {
    const auto value = random() % 2 == 0 ? one : other;
    const auto begin = random() % 3 == 0 ? random() % value.size() : 0;
    text += value.substr(begin, random() % (value.size() - begin + (random() % 8 == 0 ? 1 : 0)));
    if (random() % 4 == 0) text += random() % 2 == 0 ? "\n" : " plain text ";
  }
  return text;
}

std::vector<std::string_view> cut(std::mt19937& random, std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, 1 + random() % 40));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

Steps through_filter(const Replacements& words, const std::vector<std::string_view>& pieces) {
  PlaceholderFilter filter(words);
  Steps steps;
  for (const auto piece : pieces) filter.feed(piece, steps.emplace_back());
  filter.finish(steps.emplace_back());
  return steps;
}

Steps through_http1(const Replacements& words, const std::vector<std::string_view>& pieces) {
  Http1Transfer transfer({BodyFraming::Kind::chunked, 0}, Http1Transfer::Form::chunked, &words);
  Steps steps;
  for (const auto piece : pieces) EXPECT_TRUE(transfer.move(chunk(piece), 1u << 16, steps.emplace_back()));
  EXPECT_TRUE(transfer.move("0\r\n\r\n", 1u << 16, steps.emplace_back()));
  return steps;
}

Steps through_http2(const Replacements& words, const std::vector<std::string_view>& pieces) {
  Http2Body body;
  body.set_replacements(&words);
  Steps steps;
  const auto take = [&] {
    char place[1024];
    steps.emplace_back(place, body.take(place, sizeof place).written);
  };
  for (const auto piece : pieces) {
    body.append(piece);
    take();
  }
  body.end();
  take();
  return steps;
}

TEST(Masking, TellsNothingOfAValueThatDoesNotOccur) {
  std::mt19937 random(20251128);
  int compared = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string one = concat("sk-", 1000 + random() % 9000, "-abcabcab");
    const std::string other = concat("sk-", 1000 + random() % 9000, "-abcabcac");
    const auto text = tempting_text(random, one, other);
    if (text.contains(one) || text.contains(other)) continue;
    ++compared;
    const auto pieces = cut(random, text);
    const Masked a(one);
    const Masked b(other);
    for (const auto through : {through_filter, through_http1, through_http2}) {
      EXPECT_EQ(through(a.substitution.to_guest(), pieces), through(b.substitution.to_guest(), pieces));
      EXPECT_EQ(through(a.substitution.to_guest_in_place(), pieces),
                through(b.substitution.to_guest_in_place(), pieces));
    }
    if (HasFailure()) FAIL() << one << " and " << other << " in " << in_quotes(text);
  }
  EXPECT_GT(compared, 500);
}

TEST(Masking, FindsAValueHoweverItIsCut) {
  std::mt19937 random(20251129);
  const std::string value = "sk-1234-abcabcab";
  const Masked masked(value);
  for (int round = 0; round < 500; ++round) {
    const auto text = concat(tempting_text(random, value, value), value, tempting_text(random, value, value));
    const auto pieces = cut(random, text);
    for (const auto through : {through_filter, through_http2}) {
      std::string out;
      for (const auto& step : through(masked.substitution.to_guest(), pieces)) out += step;
      EXPECT_FALSE(out.contains(value)) << in_quotes(out);
    }
  }
}

// ---- a passage with a clock of the test's own
// --------------------------------------------------------------

constexpr std::string_view value = "the-real-value-of-it";
constexpr std::string_view placeholder = "<BOXLITE_SECRET:key>";

class MaskingPassage : public ::testing::Test {
 protected:
  ExchangeRules rules() const {
    return {[](const Authority&) { return std::nullopt; }, [](std::string_view) {}, &masked_.substitution};
  }
  void advance() { EXPECT_EQ(passage_->advance(now_), Passage::State::running); }
  // What the guest gets once the server has said `bytes`.
  std::string told(std::string_view bytes) {
    server_->write(bytes);
    advance();
    return guest_->take();
  }

  Masked masked_{value};
  std::unique_ptr<TestChannel> guest_, guest_side_, server_, server_side_;
  std::unique_ptr<Passage> passage_;
  Passage::Clock::time_point now_ = Passage::Clock::now();
};

class MaskingHttp1 : public MaskingPassage {
 protected:
  void SetUp() override {
    std::tie(guest_, guest_side_) = TestChannel::make_pair();
    std::tie(server_, server_side_) = TestChannel::make_pair();
    passage_ = std::make_unique<Http1Proxy>(*guest_side_, *server_side_, rules());
    guest_->write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    advance();
  }
};

TEST_F(MaskingHttp1, APauseOfTheServerLetsTheEndGo) {
  EXPECT_TRUE(told("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_EQ(told(chunk("nothing like it")), "");
  ASSERT_EQ(passage_->deadline(), now_ + longest_hold);
  now_ += longest_hold / 2;
  EXPECT_EQ(told(chunk(" at all, by far")), chunk("nothing lik"));
  ASSERT_EQ(passage_->deadline(), now_ + longest_hold);
  now_ += longest_hold;
  EXPECT_EQ(told(""), chunk("e it at all, by far"));
  EXPECT_EQ(passage_->deadline(), std::nullopt);
}

TEST_F(MaskingHttp1, ALineIsNotHeldBack) {
  told("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(told(chunk("data: the-real-value\n\n")), chunk("data: the-real-value\n\n"));
  EXPECT_EQ(passage_->deadline(), std::nullopt);
}

// Whoever does not read chooses where the server stops, and when it goes on.
TEST_F(MaskingHttp1, AnInterruptedServerGetsTimeToGoOn) {
  told("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  guest_side_->set_output_limit(0);
  EXPECT_EQ(told(chunk("before the-real")), "");
  guest_side_->set_output_limit(Channel::output_limit);
  told("");
  EXPECT_EQ(passage_->deadline(), now_ + longest_interruption);
  now_ += longest_interruption / 2;
  EXPECT_EQ(told(chunk("-value-of-it and\n")), chunk(concat("before ", placeholder, " and\n")));
  told(chunk("after"));
  EXPECT_EQ(passage_->deadline(), now_ + longest_hold);
}

TEST_F(MaskingHttp1, WhatIsAnnouncedIsWaitedFor) {
  EXPECT_TRUE(told("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n<the-real").ends_with("\r\n\r\n"));
  EXPECT_EQ(passage_->deadline(), std::nullopt);
  EXPECT_EQ(told("-value-of-it>"), "<<BOXLITE_SECRET:key>>");
  guest_->write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  advance();
  told("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nthe-real");
  EXPECT_EQ(passage_->deadline(), std::nullopt);
  EXPECT_EQ(told("-value-of-it\r\n0\r\n\r\n"), concat(chunk(placeholder), "0\r\n\r\n"));
}

TEST_F(MaskingHttp1, AllPartsOfAHeadAreMasked) {
  const auto interim = told(concat("HTTP/1.1 103 ", value, "\r\nLink: ", value, "\r\n\r\n"));
  EXPECT_EQ(interim, concat("HTTP/1.1 103 ", placeholder, "\r\nLink: ", placeholder, "\r\n\r\n"));
  const auto head =
      told(concat("HTTP/1.1 302 see ", value, "\r\nLocation: /?", value, "\r\nSet-Cookie: a=", value,
                  "\r\nX-", value, ": x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_EQ(head, concat("HTTP/1.1 302 see ", placeholder, "\r\nLocation: /?", placeholder,
                         "\r\nSet-Cookie: a=", placeholder, "\r\nX-", std::string(value.size(), '*'),
                         ": x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_EQ(told(concat("0\r\nX-T: ", value, "\r\n", value, ": ", value, "\r\n\r\n")),
            concat("0\r\nX-T: ", placeholder, "\r\n", std::string(value.size(), '*'), ": ", placeholder,
                   "\r\n\r\n"));
}

TEST_F(MaskingHttp1, TrailersOfCompressedContentAreMasked) {
  told("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(told(concat("5;ext=", value, "\r\nbytes\r\n")), chunk("bytes"));
  EXPECT_EQ(told(concat("0\r\nX-T: ", value, "\r\n\r\n")), concat("0\r\nX-T: ", placeholder, "\r\n\r\n"));
}

// One end of HTTP/2 that reads only when it is told to.
struct Http2Peer : Http2Session::Listener {
  Http2Peer(Http2Session::Part part, Channel& channel)
      : session(*Http2Session::create(part, channel, *this)) {}
  void on_head(std::int32_t id, HttpFields fields, bool) override {
    stream = id;
    head = std::move(fields);
  }
  void on_content(std::int32_t, std::string_view bytes) override { content += bytes; }
  void on_end(std::int32_t, HttpFields fields) override { trailers = std::move(fields); }
  void on_closed(std::int32_t, std::uint32_t) override {}
  void on_taken(std::int32_t, std::size_t) override {}
  void on_going_away() override {}
  void advance() { EXPECT_TRUE(session->advance()); }

  std::unique_ptr<Http2Session> session;
  std::int32_t stream = 0;
  HttpFields head;
  std::string content;
  HttpFields trailers;
};

class MaskingHttp2 : public MaskingPassage {
 protected:
  void SetUp() override {
    std::tie(guest_, guest_side_) = TestChannel::make_pair();
    std::tie(server_, server_side_) = TestChannel::make_pair();
    passage_ = *Http2Proxy::create(*guest_side_, *server_side_, rules());
    client_.emplace(Http2Session::Part::client, *guest_);
    origin_.emplace(Http2Session::Part::server, *server_);
    HttpFields request;
    request.items() = {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/"}};
    ASSERT_TRUE(client_->session->request(request, nullptr));
    turn();
    ASSERT_NE(origin_->stream, 0);
  }
  void turn(bool with_origin = true) {
    for (int i = 0; i < 400; ++i) {
      client_->advance();
      advance();
      if (with_origin) origin_->advance();
    }
  }
  void respond(HttpFields fields = {}) {
    fields.items().insert(fields.items().begin(), {":status", "200"});
    origin_->session->respond(origin_->stream, fields, &body_);
  }
  std::string told(std::string_view bytes) {
    body_.append(bytes);
    origin_->session->resume(origin_->stream);
    turn();
    return std::exchange(client_->content, {});
  }

  Http2Body body_;
  std::optional<Http2Peer> client_, origin_;
};

TEST_F(MaskingHttp2, APauseOfTheServerLetsTheEndGo) {
  respond();
  EXPECT_EQ(told("a line\nnothing like it"), "a line\n");
  ASSERT_EQ(passage_->deadline(), now_ + longest_hold);
  now_ += longest_hold / 2;
  EXPECT_EQ(told(" at all, by far"), "nothing lik");
  ASSERT_EQ(passage_->deadline(), now_ + longest_hold);
  now_ += longest_hold;
  EXPECT_EQ(told(""), "e it at all, by far");
  EXPECT_EQ(passage_->deadline(), std::nullopt);
}

TEST_F(MaskingHttp2, WhatIsAnnouncedIsWaitedFor) {
  HttpFields fields;
  fields.items() = {{"content-length", "22"}};
  respond(fields);
  EXPECT_EQ(told("<the-real"), "");
  EXPECT_EQ(passage_->deadline(), std::nullopt);
  body_.end();
  EXPECT_EQ(told("-value-of-it>"), "<<BOXLITE_SECRET:key>>");
}

// Whoever does not read chooses where the server stops, and when it goes on.
TEST_F(MaskingHttp2, TheGuestsWindowDoesNotCutAValue) {
  respond();
  std::string values, placeholders;
  for (int i = 0; i < 40'000; ++i) {
    values += value;
    placeholders += placeholder;
  }
  std::string got = told(values);
  for (std::size_t fresh = got.size(); fresh != 0;) {
    // The server, which was stopped within a value, does not notice at once that it may go on.
    client_->session->consume(client_->stream, fresh);
    turn(false);
    now_ += longest_interruption / 2;
    turn();
    fresh = client_->content.size();
    got += std::exchange(client_->content, {});
  }
  EXPECT_TRUE(got == placeholders) << got.size() << " bytes";
}

TEST_F(MaskingHttp2, NamesAndTrailersAreMasked) {
  HttpFields fields;
  fields.items() = {{concat("x-", value), "x"}, {"location", concat("/?", value)}};
  respond(fields);
  told("content\n");
  EXPECT_EQ(client_->head.find(concat("x-", std::string(value.size(), '*'))), "x");
  EXPECT_EQ(client_->head.find("location"), concat("/?", placeholder));
  HttpFields trailers;
  trailers.items() = {{"grpc-message", concat("you sent ", value)}, {std::string(value), "x"}};
  body_.end(trailers);
  told("");
  EXPECT_EQ(client_->trailers.find("grpc-message"), concat("you sent ", placeholder));
  EXPECT_EQ(client_->trailers.find(value), std::nullopt);
}

}  // namespace
}  // namespace boxlite::net
