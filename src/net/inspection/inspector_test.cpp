// SPDX-License-Identifier: Apache-2.0
// The whole inspection on one loop: a client and a server of this process with a real TLS library at both
// ends.
#include "net/inspection/inspector.h"

#include <deque>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/unix_socket.h"
#include "net/inspection/http1_body.h"
#include "net/inspection/http2_session.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view value = "the-real-value-of-it";
constexpr std::string_view placeholder = "<BOXLITE_SECRET:key>";

class PairDialer : public Dialer {
 public:
  Result<UniqueFd> dial(const Flow&) override {
    ++count;
    if (refuses) return fail(ErrorCode::unavailable, "connect: Connection refused");
    auto pair = BOXLITE_TRY(linux_::unix_socket_pair());
    BOXLITE_TRY(linux_::set_non_blocking(pair.first.get()));
    BOXLITE_TRY(linux_::set_non_blocking(pair.second.get()));
    far.push_back(std::move(pair.second));
    return std::move(pair.first);
  }
  std::deque<UniqueFd> far;
  int count = 0;
  bool refuses = false;
};

class PolicyJudge : public NameJudge {
 public:
  explicit PolicyJudge(const PolicySpec& spec) : policy(*Policy::create(spec)) {}
  Verdict decide(const Flow& flow) override { return policy->decide(flow); }
  Verdict decide_named(const Flow& flow, std::string_view name) override {
    return policy->decide_named(flow, name);
  }
  void ask(const Flow&, std::string_view, std::move_only_function<void(Verdict)> done) override {
    question = std::move(done);
  }
  void record(AuditRecord record) override { records.push_back(std::move(record)); }
  std::string last_reason() const { return records.empty() ? "" : records.back().reason; }

  std::shared_ptr<const Policy> policy;
  std::vector<AuditRecord> records;
  std::move_only_function<void(Verdict)> question;
};

class InspectorTest : public ::testing::Test {
 protected:
  // `allow` empty: everything.
  void begin(std::vector<std::string> allow, bool has_secret) {
    judge_.emplace(PolicySpec{.allow = std::move(allow)});
    if (has_secret) {
      std::vector<Secret> secrets;
      secrets.push_back(*Secret::create({"key", {"api.test"}, ""}, SecretValue(value)));
      interception_ = *Interception::create(*SecretSet::create(std::move(secrets)),
                                            {dir_.path() / "ca.pem", dir_.path() / "world.pem"});
    }
    inspector_.emplace(*loop_, dialer_, *judge_, interception_.get());
  }

  void begin_denying(std::vector<std::string> deny) {
    judge_.emplace(PolicySpec{.deny = std::move(deny)});
    inspector_.emplace(*loop_, dialer_, *judge_, nullptr);
  }

  // The guest's end of a connection to an address of the Internet that goes by these names.
  std::unique_ptr<SocketChannel> connect(std::uint16_t port, std::vector<std::string> names) {
    auto pair = *linux_::unix_socket_pair();
    EXPECT_TRUE(linux_::set_non_blocking(pair.first.get()));
    EXPECT_TRUE(linux_::set_non_blocking(pair.second.get()));
    const Flow flow{
        .destination = *IpAddress::parse("93.184.216.34"), .port = port, .names = std::move(names)};
    inspector_->take(std::move(pair.first), flow);
    return *SocketChannel::adopt(*loop_, std::move(pair.second));
  }
  std::unique_ptr<SocketChannel> accept() {
    turn_until([&] { return !dialer_.far.empty(); });
    if (dialer_.far.empty()) return nullptr;
    auto channel = *SocketChannel::adopt(*loop_, std::move(dialer_.far.front()));
    dialer_.far.pop_front();
    return channel;
  }

  // The guest's client trusts the box's authority and nothing else.
  std::unique_ptr<TlsStream> guest_tls(const std::string& host, const std::vector<std::string>& protocols) {
    EXPECT_TRUE(write_file_atomic(dir_.path() / "box.pem", interception_->certificate_pem()));
    guest_client_.emplace(*TlsClient::create(dir_.path() / "box.pem"));
    return *TlsStream::create(*guest_client_->begin(host, protocols), connect(443, {host}));
  }
  std::unique_ptr<TlsStream> server_tls(const std::string& host, std::string_view protocol) {
    auto socket = accept();
    if (!socket) return nullptr;
    return *TlsStream::create(*world_.begin(host, protocol, now()), std::move(socket));
  }

  template <typename Predicate>
  bool turn_until(Predicate predicate) {
    const auto deadline = Deadline::after(10s);
    while (!predicate()) {
      const auto handled = loop_->run_once(deadline);
      if (!handled || (!*handled && deadline.has_passed())) return false;
    }
    return true;
  }
  static std::string take(Channel& channel) {
    const std::string bytes(channel.input());
    channel.consume(bytes.size());
    return bytes;
  }
  // What comes until it holds `end`.
  std::string read_until(Channel& channel, std::string_view end) {
    std::string bytes;
    turn_until([&] {
      bytes += take(channel);
      return bytes.find(end) != std::string::npos || channel.failure() || channel.has_ended();
    });
    return bytes;
  }
  bool is_cut(Channel& channel) {
    return turn_until([&] { return channel.failure() || channel.has_ended(); });
  }

  TempDir dir_ = *TempDir::create("/tmp", "inspector-test-");
  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  TlsServer world_ = make_world();
  PairDialer dialer_;
  std::optional<PolicyJudge> judge_;
  std::unique_ptr<Interception> interception_;
  std::optional<TlsClient> guest_client_;
  std::optional<Inspector> inspector_;

 private:
  TlsServer make_world() const {
    auto authority = *CertificateAuthority::create(now());
    EXPECT_TRUE(write_file_atomic(dir_.path() / "world.pem", authority.certificate_pem()));
    return *TlsServer::create(std::move(authority));
  }
};

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
  const auto client = *TlsClient::create(dir_.path() / "world.pem");
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
  const auto client = *TlsClient::create(dir_.path() / "world.pem");
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
  const auto client = *TlsClient::create(dir_.path() / "world.pem");
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
  judge_.emplace(PolicySpec{.allow = {"api.test"}, .deny = {}, .is_asking = true});
  inspector_.emplace(*loop_, dialer_, *judge_, nullptr);
  auto guest = connect(80, {"api.test"});
  guest->write("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
  if (!turn_until([&] { return static_cast<bool>(judge_->question); }))
    GTEST_SKIP() << "the policy does not ask here";
  judge_->question({Decision::allow, {}, "answered"});
  auto server = accept();
  ASSERT_TRUE(server);
  EXPECT_NE(read_until(*server, "\r\n\r\n").find("other.test"), std::string::npos);
}

// ---- HTTP/2 ----------------------------------------------------------------------------------------------

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
