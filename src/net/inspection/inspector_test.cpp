// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/inspector.h"

#include <gtest/gtest.h>

#include "base/concat.h"
#include "net/inspection/http/http1_body.h"
#include "net/inspection/test_inspector.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view simple_request = "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n";

TEST_F(InspectorTest, PassesARequestForAnAllowedHost) {
  begin({"api.test"}, false);
  auto guest = connect(80, {"api.test"});
  guest->write(simple_request);
  auto server = accept();
  ASSERT_TRUE(server);
  EXPECT_EQ(read_until(*server, "\r\n\r\n"), simple_request);
  server->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(read_until(*guest, "ok"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST_F(InspectorTest, ASharedAddressIsNoWayAround) {
  begin({"api.test"}, false);
  auto guest = connect(80, {"api.test"});
  guest->write("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_EQ(dialer_.count, 0);
  ASSERT_FALSE(judge_->records.empty());
  EXPECT_EQ(judge_->records.back().name, "other.test");
  EXPECT_EQ(judge_->records.back().verdict, "deny");
}

TEST_F(InspectorTest, EachRequestOfAConnectionIsJudged) {
  begin({"api.test"}, false);
  auto guest = connect(80, {"api.test"});
  guest->write(std::string(simple_request) + "GET /2 HTTP/1.1\r\nHost: other.test\r\n\r\n");
  auto server = accept();
  ASSERT_TRUE(server);
  EXPECT_EQ(read_until(*server, "\r\n\r\n"), simple_request);
  server->write("HTTP/1.1 204 No Content\r\n\r\n");
  const auto answers = read_until(*guest, "other.test");
  EXPECT_NE(answers.find("204 No Content\r\n\r\nHTTP/1.1 421 "), std::string::npos) << answers;
  EXPECT_NE(answers.find("boxlite: the network policy refuses other.test"), std::string::npos) << answers;
}

TEST_F(InspectorTest, AHelloMayComeByteByByte) {
  begin({"api.test"}, false);
  const auto client = *TlsClient::create(*read_file(dir_.path() / "world.pem"));
  // The guest's own TLS passes through to the server, whose certificate it verifies.
  auto pair = *linux_::unix_socket_pair();
  ASSERT_TRUE(linux_::set_non_blocking(pair.first.get()));
  auto tls =
      *TlsStream::create(*client.begin("api.test", {}), *SocketChannel::adopt(*loop_, std::move(pair.first)));
  auto guest = connect(443, {"api.test"});
  ASSERT_TRUE(linux_::set_non_blocking(pair.second.get()));
  auto hello = *SocketChannel::adopt(*loop_, std::move(pair.second));
  turn_until([&] { return hello->input().size() > 5; });
  for (const char byte : take(*hello)) {
    guest->write({&byte, 1});
    (void)loop_->run_once(Deadline::after(0ms));
  }
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(server);
  turn_until([&] {
    hello->write(take(*guest));
    guest->write(take(*hello));
    return tls->is_ready();
  });
  EXPECT_TRUE(tls->is_ready());
}

TEST_F(InspectorTest, AHelloForAnotherHostIsReset) {
  begin({"api.test"}, false);
  const auto client = *TlsClient::create();
  auto tls = *TlsStream::create(*client.begin("other.test", {}), connect(443, {"api.test"}));
  EXPECT_TRUE(turn_until([&] { return tls->failure().has_value(); }));
  EXPECT_EQ(dialer_.count, 0);
}

TEST_F(InspectorTest, WhatTellsNoNameIsReset) {
  begin({"api.test"}, false);
  auto guest = connect(443, {"api.test"});
  guest->write("SSH-2.0-client\r\n");
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_EQ(dialer_.count, 0);
}

TEST_F(InspectorTest, AServerThatIsDownIsTold) {
  begin({"api.test"}, false);
  dialer_.refuses = true;
  auto guest = connect(80, {"api.test"});
  guest->write(simple_request);
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_NE(judge_->last_reason().find("Connection refused"), std::string::npos);
}

TEST_F(InspectorTest, TheValueReachesTheServerAndNotTheGuest) {
  begin({}, true);
  auto guest = guest_tls("api.test", {"http/1.1"});
  auto server = server_tls("api.test", http1_protocol);
  ASSERT_TRUE(server);
  ASSERT_TRUE(turn_until([&] { return guest->is_ready() || guest->failure(); }));
  ASSERT_FALSE(guest->failure()) << guest->failure()->message();
  EXPECT_EQ(guest->protocol(), "http/1.1");
  const auto body = concat("{\"key\": \"", placeholder, "\"}");
  guest->write(concat("POST / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ", placeholder,
                      "\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  const auto seen = read_until(*server, "\"}");
  EXPECT_EQ(seen, concat("POST / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ", value,
                         "\r\nContent-Length: ", body.size() - placeholder.size() + value.size(),
                         "\r\n\r\n{\"key\": \"", value, "\"}"));
  server->write(
      concat("HTTP/1.1 200 OK\r\nX-Echo: ", value, "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nyou: \r\n"));
  // The value in two chunks, and two records.
  server->write("8\r\nthe-real\r\n");
  server->write("c\r\n-value-of-it\r\n0\r\n\r\n");
  const auto answer = read_until(*guest, "0\r\n\r\n");
  EXPECT_EQ(answer.find(value), std::string::npos);
  EXPECT_NE(answer.find(concat("X-Echo: ", placeholder)), std::string::npos) << answer;
  EXPECT_NE(answer.find(concat("you: ", placeholder)), std::string::npos) << answer;
}

TEST_F(InspectorTest, ALongBodyIsStreamedInChunks) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(server);
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  std::string body;
  while (body.size() < 300'000) body += concat("filler ", placeholder, " ");
  std::string rest =
      concat("PUT / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  std::string seen;
  ASSERT_TRUE(turn_until([&] {
    const auto count = std::min(rest.size(), guest->room());
    guest->write(rest.substr(0, count));
    rest.erase(0, count);
    seen += take(*server);
    return seen.ends_with("\r\n0\r\n\r\n");
  }));
  const auto head = parse_request_head(seen);
  ASSERT_TRUE(head && *head);
  Http1Body reader(*body_framing(**head));
  const auto content = reader.read(std::string_view(seen).substr((*head)->size));
  ASSERT_TRUE(content);
  std::string expected;
  while (expected.size() < content->content.size()) expected += concat("filler ", value, " ");
  EXPECT_EQ(content->content, expected);
}

TEST_F(InspectorTest, AnotherHostOfTheConnectionIsRefused) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  guest->write("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n");
  EXPECT_NE(read_until(*guest, "\n\n").find("HTTP/1.1 421 "), std::string::npos);
  EXPECT_EQ(take(*server), "");
}

TEST_F(InspectorTest, WhatCouldBeReadAsAnotherHostIsRefused) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  guest->write(concat("GET / HTTP/1.1\r\nHost: api.test:1@evil.test\r\nX-Key: ", placeholder, "\r\n\r\n"));
  EXPECT_NE(read_until(*guest, "\n\n").find("HTTP/1.1 400 "), std::string::npos);
  EXPECT_EQ(take(*server), "");
  EXPECT_NE(judge_->last_reason().find("malformed host"), std::string::npos) << judge_->last_reason();
}

TEST_F(InspectorTest, AnotherPortThanTheConnectionsIsRefused) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  guest->write("GET / HTTP/1.1\r\nHost: api.test:443\r\n\r\n");
  EXPECT_NE(read_until(*server, "\r\n\r\n"), "");
  server->write("HTTP/1.1 204 No Content\r\n\r\n");
  guest->write("GET / HTTP/1.1\r\nHost: api.test:8443\r\n\r\n");
  EXPECT_NE(read_until(*guest, "\n\n").find("asks for port 8443"), std::string::npos);
  EXPECT_EQ(take(*server), "");
}

TEST_F(InspectorTest, LineEndsBeforeARequestDoNotHideIt) {
  begin_denying({"evil.test"});
  auto guest = connect(80, {"api.test"});
  guest->write("\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n");
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_EQ(dialer_.count, 0);

  guest = connect(80, {"api.test"});
  guest->write(concat("\r\n", simple_request, "\r\n", simple_request,
                      "\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"));
  auto server = accept();
  ASSERT_TRUE(server);
  std::string asked;
  ASSERT_TRUE(turn_until([&] { return (asked += take(*server)).size() >= 2 * simple_request.size(); }));
  EXPECT_EQ(asked, concat(simple_request, simple_request));
  server->write("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_NE(read_until(*guest, "\n\n").find("HTTP/1.1 421 "), std::string::npos);
}

TEST_F(InspectorTest, WhatLenientServersReadDoesNotPassWithoutAName) {
  begin_denying({"evil.test"});
  for (const std::string_view bytes :
       {"GET http://evil.test/\r\n", " GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET\t/\tHTTP/1.1\r\nHost: evil.test\r\n\r\n", "GET / http/1.1\r\nHost: evil.test\r\n\r\n",
        "VERY-VERY-VERY-VERY-VERY-VERY-LONG-METHOD / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "\x16\x03\x7f",
        "\x15\x03\x01", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    auto guest = connect(443, {"api.test"});
    guest->write(bytes);
    if (bytes.size() < 4) guest->write(std::string(100, '\x01'));
    EXPECT_TRUE(is_cut(*guest)) << in_quotes(bytes);
  }
  EXPECT_EQ(dialer_.count, 0);
  auto guest = connect(443, {"api.test"});
  guest->write("SSH-2.0-client\r\n");
  auto server = accept();
  ASSERT_TRUE(server);
  EXPECT_EQ(read_until(*server, "\n"), "SSH-2.0-client\r\n");
}

TEST_F(InspectorTest, AfterAnUpgradeBytesPassAsTheyAre) {
  begin({}, true);
  auto guest = guest_tls("api.test", {"http/1.1"});
  auto server = server_tls("api.test", http1_protocol);
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  guest->write(
      concat("GET /ws HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: ",
             placeholder, "\r\n\r\n", placeholder));
  EXPECT_NE(read_until(*server, "\r\n\r\n").find(concat("X-Key: ", value)), std::string::npos);
  server->write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x");
  EXPECT_EQ(read_until(*server, placeholder), placeholder);
  EXPECT_TRUE(read_until(*guest, "\x81").ends_with("\x81\x01x"));
}

TEST_F(InspectorTest, AServerThatCannotProveItsNameIsRefused) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("impostor.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->failure().has_value(); }));
  EXPECT_NE(guest->failure()->message().find("handshake failure"), std::string::npos)
      << guest->failure()->message();
  EXPECT_NE(judge_->last_reason().find("ostname mismatch"), std::string::npos) << judge_->last_reason();
  EXPECT_FALSE(server->is_ready() && !server->failure());
}

TEST_F(InspectorTest, OtherHostsAreNotTouched) {
  begin({}, true);
  const auto client = *TlsClient::create(*read_file(dir_.path() / "world.pem"));
  auto guest = *TlsStream::create(*client.begin("other.test", {}), connect(443, {"other.test", "api.test"}));
  auto server = server_tls("other.test", "");
  ASSERT_TRUE(server);
  ASSERT_TRUE(turn_until([&] { return guest->is_ready() || guest->failure(); }));
  EXPECT_FALSE(guest->failure());
  guest->write(placeholder);
  EXPECT_EQ(read_until(*server, placeholder), placeholder);
}

TEST_F(InspectorTest, WhoseNameIsNotOursToKnowGetsNoSecret) {
  begin({}, true);
  const auto client = *TlsClient::create(*read_file(dir_.path() / "world.pem"));
  // The address goes by another name: whoever is there shall not get the value.
  auto guest = *TlsStream::create(*client.begin("api.test", {}), connect(443, {"other.test"}));
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  guest->write(placeholder);
  EXPECT_EQ(read_until(*server, placeholder), placeholder);
}

TEST_F(InspectorTest, NothingIsLeftOfWhatEnded) {
  begin({"api.test"}, true);
  for (int round = 0; round < 20; ++round) {
    auto guest = guest_tls("api.test", {});
    auto server = server_tls("api.test", "");
    ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
    if (round % 2 == 0) guest->reset();
    if (round % 2 == 1) server->reset();
    ASSERT_TRUE(turn_until([&] { return inspector_->connections() == 0; }));
  }
}

TEST_F(InspectorTest, WhoIsAskedDecides) {
  judge_.emplace(netpolicy::PolicySpec{.allow = {"api.test"}, .deny = {}, .is_asking = true});
  inspector_.emplace(*loop_, dialer_, *judge_, nullptr);
  auto guest = connect(80, {"api.test"});
  guest->write("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
  ASSERT_TRUE(turn_until([&] { return static_cast<bool>(judge_->question); }));
  judge_->question({netpolicy::Decision::allow, {}, "answered"});
  auto server = accept();
  ASSERT_TRUE(server);
  EXPECT_NE(read_until(*server, "\r\n\r\n").find("other.test"), std::string::npos);
}

// ---- a policy that changes ------------------------------------------------------------------------------

class PolicyChange : public InspectorTest {
 protected:
  void change(const netpolicy::PolicySpec& spec) {
    judge_->policy = *netpolicy::Policy::create(spec);
    inspector_->judge_again();
  }
  // One that shows `host` and has got through to the server.
  void connect_to(std::string_view host) {
    guest_ = connect(80, {"api.test", "evil.test"});
    guest_->write(concat("GET / HTTP/1.1\r\nHost: ", host, "\r\n\r\n"));
    server_ = accept();
    ASSERT_TRUE(server_);
    ASSERT_NE(read_until(*server_, "\r\n\r\n"), "");
  }
  void answer() {
    server_->write("HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_NE(read_until(*guest_, "\r\n\r\n").find(" 204 "), std::string::npos);
  }

  std::unique_ptr<SocketChannel> guest_, server_;
};

TEST_F(PolicyChange, ResetsTheNameThatIsRefusedNow) {
  begin({"api.test", "evil.test"}, false);
  connect_to("evil.test");
  change({.allow = {"api.test", "evil.test", "new.test"}});
  answer();
  change({.allow = {"api.test"}});
  EXPECT_TRUE(is_cut(*guest_));
  EXPECT_TRUE(is_cut(*server_));
  EXPECT_EQ(judge_->records.back().name, "evil.test");
  EXPECT_EQ(judge_->records.back().verdict, "deny");
  connect_to("api.test");
  change({.allow = {"api.test", "new.test"}});
  answer();
}

TEST_F(PolicyChange, ResetsTlsByItsName) {
  begin_denying({"other.test"});
  const auto client = *TlsClient::create(*read_file(dir_.path() / "world.pem"));
  // By its bare address.
  auto guest = *TlsStream::create(*client.begin("evil.test", {}), connect(443, {}));
  auto server = server_tls("evil.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready() && server->is_ready(); }));
  change({.deny = {"other.test", "third.test"}});
  server->write("still there");
  EXPECT_EQ(read_until(*guest, "there"), "still there");
  change({.deny = {"other.test", "evil.test"}});
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_EQ(inspector_->connections(), 0u);
}

TEST_F(PolicyChange, ResetsWhatHoldsASecret) {
  begin({}, true);
  auto guest = guest_tls("api.test", {});
  auto server = server_tls("api.test", "");
  ASSERT_TRUE(turn_until([&] { return guest->is_ready(); }));
  change({.deny = {"evil.test"}});
  guest->write(simple_request);
  EXPECT_EQ(read_until(*server, "\r\n\r\n"), simple_request);
  change({.deny = {"api.test"}});
  EXPECT_TRUE(is_cut(*guest));
}

TEST_F(PolicyChange, ResetsWhatWasForSeveralHosts) {
  begin({"api.test", "evil.test"}, false);
  connect_to("api.test");
  guest_->write("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n");
  EXPECT_NE(read_until(*server_, "\r\n\r\n"), "");
  change({.allow = {"api.test"}});
  EXPECT_TRUE(is_cut(*guest_));
}

TEST_F(PolicyChange, ReachesAConnectionThatHasShownNothingYet) {
  begin({"api.test", "evil.test"}, false);
  auto guest = connect(80, {"api.test", "evil.test"});
  change({.allow = {"api.test"}});
  guest->write("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n");
  EXPECT_TRUE(is_cut(*guest));
  guest = connect(80, {"api.test"});
  change({.deny = {"93.184.216.34"}});
  EXPECT_TRUE(is_cut(*guest));
  EXPECT_EQ(dialer_.count, 0);
}

TEST_F(PolicyChange, ResetsWhatNobodyWasAskedFor) {
  begin({"api.test", "evil.test"}, false);
  connect_to("api.test");
  const auto allowed = std::exchange(guest_, nullptr);
  const auto its_server = std::exchange(server_, nullptr);
  connect_to("evil.test");
  change({.allow = {"api.test"}, .deny = {}, .is_asking = true});
  EXPECT_TRUE(is_cut(*guest_));
  its_server->write("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_NE(read_until(*allowed, "\r\n\r\n").find(" 204 "), std::string::npos);
  EXPECT_FALSE(judge_->question);
}

TEST_F(PolicyChange, LeavesAQuestionOpen) {
  const netpolicy::PolicySpec asking{.allow = {"api.test"}, .deny = {}, .is_asking = true};
  judge_.emplace(asking);
  inspector_.emplace(*loop_, dialer_, *judge_, nullptr);
  guest_ = connect(80, {"api.test"});
  guest_->write("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
  ASSERT_TRUE(turn_until([&] { return static_cast<bool>(judge_->question); }));
  change(asking);
  judge_->question({netpolicy::Decision::allow, {}, "answered"});
  server_ = accept();
  ASSERT_TRUE(server_);
  change({.allow = {"api.test"}});
  EXPECT_TRUE(is_cut(*guest_));
}

}  // namespace
}  // namespace boxlite::net
