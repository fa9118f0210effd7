// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/concat.h"
#include "net/inspection/http/http1_body.h"
#include "net/inspection/http/http1_head.h"

namespace boxlite::net {
namespace {

RequestHead request(std::string_view bytes) {
  auto head = parse_request_head(bytes);
  EXPECT_TRUE(head && *head) << in_quotes(bytes) << (head ? "" : head.error().message());
  return head && *head ? **head : RequestHead{};
}

TEST(Http1Head, ARequestIsRead) {
  const auto head =
      request("POST /a?b HTTP/1.1\r\nHost: A.test:8443\r\nX-Empty:\r\nX-Key:  v \t\r\n\r\nrest");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.fields.find("x-key"), "v");
  EXPECT_EQ(head.fields.find("x-empty"), "");
  EXPECT_EQ(head.fields.find("none"), std::nullopt);
  EXPECT_EQ(*authority_of(head), (Authority{"a.test", 8443}));
  EXPECT_EQ(head.str(), "POST /a?b HTTP/1.1\r\nHost: A.test:8443\r\nX-Empty: \r\nX-Key: v\r\n\r\n");
}

TEST(Http1Head, AResponseIsRead) {
  const auto head = parse_response_head("HTTP/1.0 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->status, 404);
  EXPECT_EQ((*head)->reason, "Not Found");
  EXPECT_EQ(*body_framing(**head, "GET"), (BodyFraming{BodyFraming::Kind::length, 5}));
  EXPECT_EQ(*body_framing(**head, "HEAD"), BodyFraming{});
  EXPECT_TRUE(*parse_response_head("HTTP/1.1 200\r\n\r\n"));
}

TEST(Http1Head, IsIncompleteUntilItsEmptyLine) {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto head = parse_request_head(bytes.substr(0, size));
    ASSERT_TRUE(head) << size;
    EXPECT_FALSE(*head) << size;
  }
}

TEST(Http1Head, WhatCanBeReadInTwoWaysIsRefused) {
  for (const std::string_view bytes : {
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",  // a blank before the colon
           "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",  // a line of its own for some
           "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
           "GET / HTTP/1.1\r\n: a\r\n\r\n",
           "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
           "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\r\n\r\n",  // HTTP/0.9
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "{\"json\": 1}\n",
       }) {
    EXPECT_FALSE(parse_request_head(bytes)) << in_quotes(bytes);
  }
  EXPECT_FALSE(parse_request_head(std::string_view("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 26)));
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\nX: " + std::string(max_http_head, 'a')));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 300; ++i) many += "a: b\r\n";
  EXPECT_FALSE(parse_request_head(many + "\r\n"));
  for (const std::string_view bytes :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "junk"}) {
    EXPECT_FALSE(parse_response_head(bytes)) << in_quotes(bytes);
  }
}

TEST(Http1Head, ARequestIsForExactlyOneHost) {
  const auto host = [](std::string_view bytes) { return authority_of(request(bytes)); };
  EXPECT_EQ(host("GET http://b.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n"), (Authority{"b.test", 80}));
  EXPECT_EQ(host("GET HTTPS://b.test:8443?x HTTP/1.1\r\nHost: b.test:8443\r\n\r\n"),
            (Authority{"b.test", 8443}));
  EXPECT_EQ(host("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"), (Authority{"2001:db8::1", 80}));
  EXPECT_EQ(host("OPTIONS * HTTP/1.1\r\nHost: b.test\r\n\r\n"), (Authority{"b.test", {}}));
  EXPECT_FALSE(host("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"));
  EXPECT_FALSE(host("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(host("GET / HTTP/1.1\r\nHost: a@b.test\r\n\r\n"));
  EXPECT_FALSE(host("GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"));
  EXPECT_FALSE(host("GET http://b.test:81/ HTTP/1.1\r\nHost: b.test:80\r\n\r\n"));
  EXPECT_FALSE(host("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n"));
  for (const std::string_view target :
       {"a.test:443", "a.test/x", "*", "http:/a.test/", "ftp://a.test/", "http:///", "http://x@a.test/",
        "http://a.test\\@b.test/", "http://a.test:80:81/"}) {
    EXPECT_FALSE(host(concat("GET ", target, " HTTP/1.1\r\nHost: a.test\r\n\r\n"))) << target;
  }
}

// A connection that looks to us as if it were no HTTP and to a server as if it were shows no name, which deny
// rules let pass.
TEST(Http1Head, WhatALenientServerWouldReadIsNotOverlooked) {
  for (const auto& bytes : {std::string(), std::string("\r\n"), std::string("\r\n\r\nGET / HTTP/1.1\r\n"),
                            std::string("\nGET / HTTP/1.1\r\n"), std::string(" GET / HTTP/1.1\r\n"),
                            std::string("\x1cGET\x1d/ HTTP/1.1\r\n"), std::string("\xa0GET / HTTP/1.1\n"),
                            std::string("GET\t/\tHTTP/1.1\r\n"), std::string("get / http/1.1\n"),
                            std::string("GET / \r\n"), std::string("get http://b.test/\n"), std::string("G"),
                            std::string("GET / HTTP/9.9\r\n"), std::string("GET /\x01 HTTP/1.1\r\n"),
                            std::string(100, 'X') + " / HTTP/1.1\r\n", std::string(60000, 'X')}) {
    EXPECT_TRUE(may_be_http(bytes)) << in_quotes(bytes.substr(0, 100));
  }
  for (const std::string_view bytes : {"SSH-2.0-client\r\n", "{\"json\": 1}\n", "\x10\x20MQTT",
                                       "EHLO a.test\r\n", "PING\r\n", "\x80\x2e\x01\x03\x01", "a\x01b"}) {
    EXPECT_FALSE(may_be_http(bytes)) << in_quotes(bytes);
  }
}

TEST(Http1Head, TwoLengthsAreRefused) {
  const auto framing = [](std::string_view fields) {
    return body_framing(request(concat("POST / HTTP/1.1\r\nHost: a\r\n", fields, "\r\n")));
  };
  EXPECT_EQ(framing("")->kind, BodyFraming::Kind::none);
  EXPECT_EQ(framing("Transfer-Encoding: Chunked\r\n")->kind, BodyFraming::Kind::chunked);
  EXPECT_FALSE(framing("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(framing("Content-Length: 1\r\nContent-Length: 1\r\n"));
  EXPECT_FALSE(framing("Content-Length: 1, 1\r\n"));
  EXPECT_FALSE(framing("Content-Length: +1\r\n"));
  EXPECT_FALSE(framing("Content-Length: 99999999999999999999\r\n"));
  EXPECT_FALSE(framing("Transfer-Encoding: gzip, chunked\r\n"));
  EXPECT_FALSE(framing("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
}

struct Outcome {
  std::string content;
  std::size_t consumed = 0;
  bool is_complete = false;
  std::string trailers;
};

Result<Outcome> read_in_pieces(const BodyFraming& framing, std::string_view bytes, std::size_t piece) {
  Http1Body body(framing);
  Outcome outcome;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !body.is_complete(); at += piece) {
    pending += bytes.substr(at, piece);
    const auto step = BOXLITE_TRY(body.read(pending));
    pending.erase(0, step.consumed);
    outcome.content += step.content;
    outcome.consumed += step.consumed;
  }
  outcome.is_complete = body.is_complete();
  outcome.trailers = body.trailers();
  return outcome;
}

TEST(Http1Body, ChunksAreReadHoweverTheyAreCut) {
  const std::string_view bytes =
      "5;ext=\"x\"\r\nhello\r\n1\r\n,\r\n0006\r\n world\r\n0\r\nX-T: 1\r\n\r\nnext";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto outcome = read_in_pieces({BodyFraming::Kind::chunked, 0}, bytes, piece);
    ASSERT_TRUE(outcome) << piece;
    EXPECT_EQ(outcome->content, "hello, world");
    EXPECT_EQ(outcome->consumed, bytes.size() - 4);
    EXPECT_TRUE(outcome->is_complete);
    EXPECT_EQ(outcome->trailers, "X-T: 1\r\n");
  }
}

TEST(Http1Body, ALengthEndsIt) {
  const auto outcome = read_in_pieces({BodyFraming::Kind::length, 5}, "hellonext", 3);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->content, "hello");
  EXPECT_EQ(outcome->consumed, 5u);
}

TEST(Http1Body, BrokenChunksAreRefused) {
  for (const std::string_view bytes :
       {"x\r\n", "-1\r\n", "5\nhello", "5\r\nhelloX", "5 x\n", "ffffffffffffffffff\r\n", "0\r\nno colon\r\n",
        "\r\n", "5x\r\nhello\r\n"}) {
    EXPECT_FALSE(read_in_pieces({BodyFraming::Kind::chunked, 0}, bytes, bytes.size())) << in_quotes(bytes);
  }
  EXPECT_FALSE(read_in_pieces({BodyFraming::Kind::chunked, 0}, std::string(2000, '0'), 2000));
}

}  // namespace
}  // namespace boxlite::net
