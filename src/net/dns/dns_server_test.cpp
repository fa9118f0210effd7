// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_server.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/dns/dns_stream.h"
#include "net/test_name_server.h"

namespace boxlite::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Query = TestNameServer::Query;

class DnsServerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        write_file_atomic(hosts_, "192.0.2.50 printer.corp\n10.0.0.5 inner.corp\n127.0.1.1 myself\n"));
  }

  DnsServer& serve(const netpolicy::PolicySpec& spec, std::vector<NameServer> upstreams,
                   std::chrono::milliseconds limit = 2s) {
    DnsServer::Settings settings;
    settings.names = {{.name = "host.boxlite.internal",
                       .addresses = {*netpolicy::IpAddress::parse("192.168.127.254"),
                                     *netpolicy::IpAddress::parse("fd00::fe")}}};
    settings.hosts_file = hosts_;
    settings.resolver = {.servers = std::move(upstreams), .limit = limit};
    server_ = std::make_unique<DnsServer>(*loop_, table_, &log_, netpolicy::Policy::create(spec).value(),
                                          std::move(settings));
    return *server_;
  }

  // Serves from a name server that knows these addresses for every name.
  void serve_addresses(const netpolicy::PolicySpec& spec, std::vector<std::string> addresses) {
    upstream_ = std::make_unique<TestNameServer>(*loop_, [addresses](const Query& query) {
      return encode(TestNameServer::respond(query.message, addresses));
    });
    serve(spec, {upstream_->address()});
  }

  static std::string query(std::string_view name, std::uint16_t type = dns_type::a) {
    DnsMessage message{.id = 7, .edns_size = 1232};
    message.questions.push_back({.name = DnsName::from_host_name(name).value(), .type = type});
    return encode(message);
  }

  DnsMessage ask_raw(std::string_view bytes, DnsServer::Transport transport = DnsServer::Transport::udp) {
    std::optional<std::string> reply;
    server_->answer(bytes, transport, [&](std::string message) { reply = std::move(message); });
    for (const auto deadline = Deadline::after(10s); !reply && !deadline.has_passed();)
      (void)loop_->run_once(deadline);
    if (!reply) ADD_FAILURE() << "no answer";
    return reply ? parse_dns_message(*reply).value() : DnsMessage{};
  }

  DnsMessage ask(std::string_view name, std::uint16_t type = dns_type::a) {
    const auto response = ask_raw(query(name, type));
    EXPECT_EQ(response.id, 7);
    EXPECT_TRUE(response.is_response);
    return response;
  }

  static std::vector<std::string> addresses(const DnsMessage& message) {
    std::vector<std::string> texts;
    for (const auto& record : message.answers) {
      if (const auto address = record.address()) texts.push_back(address->str());
    }
    return texts;
  }

  std::string log_text() { return read_file(directory_.path() / netpolicy::audit_file_name).value_or(""); }

  TempDir directory_ = TempDir::create(std::filesystem::temp_directory_path(), "dns").value();
  std::filesystem::path hosts_ = directory_.path() / "hosts";
  std::unique_ptr<linux_::EventLoop> loop_ = linux_::EventLoop::create().value();
  NameTable table_;
  netpolicy::AuditLog log_{directory_.path() / netpolicy::audit_file_name};
  std::unique_ptr<TestNameServer> upstream_;
  std::unique_ptr<DnsServer> server_;
};

TEST_F(DnsServerTest, AsksTheHostsServerAndPins) {
  serve_addresses({}, {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(addresses(ask("WWW.example.com")), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(table_.names(*netpolicy::IpAddress::parse("192.0.2.2")), ElementsAre("www.example.com"));
  EXPECT_THAT(log_text(), HasSubstr("\"name\":\"www.example.com\",\"verdict\":\"allow\""));
  EXPECT_EQ(server_->open_questions(), 0u);
}

TEST_F(DnsServerTest, KnowsItsOwnNames) {
  serve_addresses({.deny = {"*"}}, {"192.0.2.1"});
  EXPECT_THAT(addresses(ask("Host.BoxLite.internal")), ElementsAre("192.168.127.254"));
  EXPECT_THAT(addresses(ask("host.boxlite.internal", dns_type::aaaa)), ElementsAre("fd00::fe"));
  EXPECT_THAT(addresses(ask("localhost")), ElementsAre("127.0.0.1"));
  EXPECT_THAT(addresses(ask("app.localhost", dns_type::aaaa)), ElementsAre("::1"));
  EXPECT_EQ(ask("other.boxlite.internal").rcode, dns_rcode::no_such_name);
  EXPECT_EQ(upstream_->queries(), 0);
}

TEST_F(DnsServerTest, ReadsTheHostsFile) {
  serve_addresses({.allow = {"10.0.0.0/8", "*"}}, {"192.0.2.1"});
  EXPECT_THAT(addresses(ask("printer.corp")), ElementsAre("192.0.2.50"));
  EXPECT_THAT(addresses(ask("inner.corp")), ElementsAre("10.0.0.5"));
  EXPECT_THAT(addresses(ask("myself")), IsEmpty());
  EXPECT_THAT(addresses(ask("printer.corp", dns_type::aaaa)), IsEmpty());
  EXPECT_EQ(upstream_->queries(), 0);
  ASSERT_TRUE(write_file_atomic(hosts_, "192.0.2.60 printer.corp\n"));
  EXPECT_THAT(addresses(ask("printer.corp")), ElementsAre("192.0.2.60"));
}

TEST_F(DnsServerTest, RefusesNamesAtOnceAndAsksNobody) {
  serve_addresses({.allow = {"*.example.com"}}, {"192.0.2.1"});
  EXPECT_EQ(ask("secret.evil.com").rcode, dns_rcode::no_such_name);
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::no_such_name);
  EXPECT_EQ(upstream_->queries(), 0);
  EXPECT_EQ(ask("www.example.com").rcode, dns_rcode::no_error);
  EXPECT_THAT(log_text(), HasSubstr("\"name\":\"secret.evil.com\",\"verdict\":\"deny\""));
}

TEST_F(DnsServerTest, LeadsNobodyInside) {
  serve_addresses({.allow = {"*"}},
                  {"10.0.0.1", "192.0.2.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"});
  EXPECT_THAT(addresses(ask("rebind.example.com")), ElementsAre("192.0.2.1"));
  EXPECT_THAT(addresses(ask("rebind.example.com", dns_type::aaaa)), IsEmpty());
  EXPECT_THAT(table_.names(*netpolicy::IpAddress::parse("10.0.0.1")), IsEmpty());
  EXPECT_THAT(log_text(), HasSubstr("169.254.169.254 is link-local"));
}

TEST_F(DnsServerTest, WithholdsRecordsThatHideNames) {
  serve_addresses({}, {"192.0.2.1"});
  EXPECT_THAT(ask("example.com", dns_type::https).answers, IsEmpty());
  EXPECT_THAT(ask("example.com", dns_type::svcb).answers, IsEmpty());
  EXPECT_EQ(upstream_->queries(), 0);
}

TEST_F(DnsServerTest, TakesOverANewPolicy) {
  serve_addresses({}, {"192.0.2.1"});
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::no_error);
  server_->set_policy(netpolicy::Policy::create({.deny = {"example.com"}}).value());
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::no_such_name);
}

TEST_F(DnsServerTest, JudgesOpenQuestionsByTheNewPolicy) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [this](const Query& query) {
    server_->set_policy(netpolicy::Policy::create({.deny = {"example.com"}}).value());
    return encode(TestNameServer::respond(query.message, {"192.0.2.1"}));
  });
  serve({}, {upstream_->address()});
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::no_such_name);
  EXPECT_THAT(table_.names(*netpolicy::IpAddress::parse("192.0.2.1")), IsEmpty());
}

TEST_F(DnsServerTest, TakesLongAnswersByTcp) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query& query) {
    auto response = TestNameServer::respond(query.message, {});
    if (!query.is_tcp) {
      response.is_truncated = true;
    } else {
      for (std::uint32_t i = 0; i < 200; ++i)
        response.answers.push_back(
            address_record(query.message.questions[0].name, netpolicy::IpAddress::v4(0xc6336400 + i), 60));
    }
    return encode(response);
  });
  serve({}, {upstream_->address()});
  EXPECT_EQ(ask_raw(query("big.example.com"), DnsServer::Transport::tcp).answers.size(), 200u);
  const auto cut = ask("big.example.com");
  EXPECT_TRUE(cut.is_truncated);
  EXPECT_THAT(cut.answers, IsEmpty());
}

TEST_F(DnsServerTest, LooksAtNoForgedAnswers) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query& query) -> std::optional<std::string> {
    auto forged = TestNameServer::respond(query.message, {"203.0.113.66"});
    static int turn = 0;
    switch (turn++) {
      case 0: ++forged.id; break;
      case 1: forged.questions[0].name = *DnsName::from_host_name("other.com"); break;
      default: return encode(TestNameServer::respond(query.message, {"192.0.2.1"}));
    }
    return encode(forged);
  });
  serve({}, {upstream_->address()}, 8s);
  EXPECT_THAT(addresses(ask("example.com")), ElementsAre("192.0.2.1"));
  EXPECT_EQ(upstream_->queries(), 3);
}

TEST_F(DnsServerTest, AsksTheNextServerWhenOneFails) {
  std::uint16_t port = 0;
  bound_socket(SOCK_DGRAM, netpolicy::IpAddress::v4(0x7f000001), 0, &port).reset();  // nobody is there now
  TestNameServer failing(*loop_, [](const Query& query) {
    auto response = TestNameServer::respond(query.message, {});
    response.rcode = dns_rcode::refused;
    return encode(response);
  });
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query& query) {
    return encode(TestNameServer::respond(query.message, {"192.0.2.1"}));
  });
  serve({}, {{.address = netpolicy::IpAddress::v4(0x7f000001), .port = port},
             failing.address(),
             upstream_->address()});
  EXPECT_THAT(addresses(ask("example.com")), ElementsAre("192.0.2.1"));
}

TEST_F(DnsServerTest, AsksOldServersWithoutEdns) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query& query) {
    auto response = TestNameServer::respond(query.message, {"192.0.2.1"});
    if (query.message.edns_size)
      response = {.id = query.message.id, .is_response = true, .rcode = dns_rcode::format_error};
    return encode(response);
  });
  serve({}, {upstream_->address()});
  EXPECT_THAT(addresses(ask("example.com")), ElementsAre("192.0.2.1"));
  EXPECT_EQ(upstream_->queries(), 2);
}

TEST_F(DnsServerTest, FailsInTimeWhenNobodyAnswers) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query&) { return std::nullopt; });
  serve({}, {upstream_->address()}, 50ms);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::server_failure);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_THAT(log_text(), HasSubstr("\"verdict\":\"failed\""));
}

TEST_F(DnsServerTest, FailsAtOnceWhenNobodyIsThere) {
  std::uint16_t port = 0;
  bound_socket(SOCK_DGRAM, netpolicy::IpAddress::v4(0x7f000001), 0, &port).reset();
  serve({}, {{.address = netpolicy::IpAddress::v4(0x7f000001), .port = port}}, 60s);
  EXPECT_EQ(ask("example.com").rcode, dns_rcode::server_failure);
}

TEST_F(DnsServerTest, BoundsWhatIsOpen) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query&) { return std::nullopt; });
  auto& server = serve({}, {upstream_->address()}, 60s);
  int answered = 0;
  for (std::size_t i = 0; i < HostResolver::most_open + 10; ++i) {
    server.answer(query(concat("n", i, ".com")), DnsServer::Transport::udp, [&](const std::string& message) {
      EXPECT_EQ(parse_dns_message(message)->rcode, dns_rcode::server_failure);
      ++answered;
    });
  }
  EXPECT_EQ(answered, 10);
  EXPECT_EQ(server.open_questions(), HostResolver::most_open);
}

TEST_F(DnsServerTest, AnswersOrIgnoresNonsense) {
  serve_addresses({}, {"192.0.2.1"});
  bool is_answered = false;
  const auto note = [&](const std::string&) { is_answered = true; };
  server_->answer("short", DnsServer::Transport::udp, note);
  auto response = parse_dns_message(query("example.com")).value();
  response.is_response = true;
  server_->answer(encode(response), DnsServer::Transport::udp, note);
  EXPECT_FALSE(is_answered);
  EXPECT_EQ(ask_raw(query("example.com") + "x").rcode, dns_rcode::format_error);
  EXPECT_EQ(ask_raw(encode({.id = 1})).rcode, dns_rcode::format_error);
  EXPECT_EQ(ask("example.com", 252).rcode, dns_rcode::not_implemented);
  EXPECT_EQ(ask("example.com", 255).rcode, dns_rcode::not_implemented);
  auto update = parse_dns_message(query("example.com")).value();
  update.opcode = 5;
  EXPECT_EQ(ask_raw(encode(update)).rcode, dns_rcode::not_implemented);
  EXPECT_EQ(upstream_->queries(), 0);
}

class DnsStreamTest : public DnsServerTest {
 protected:
  void connect() {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    guest_.reset(ends[0]);
    stream_ = DnsStream::create(*loop_, *server_, UniqueFd(ends[1]), [this] {
                is_over_ = true;
                stream_.reset();
              }).value();
  }

  static std::string framed(std::string_view message) {
    return concat(static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff), message);
  }

  // Runs the loop until the guest has that many bytes, or the stream is over.
  std::string receive(std::size_t wanted) {
    std::string bytes;
    for (const auto deadline = Deadline::after(10s); bytes.size() < wanted && !deadline.has_passed();) {
      (void)loop_->run_once(Deadline::after(20ms));
      char buffer[4096];
      const auto count = ::recv(guest_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
      if (count == 0) break;
    }
    return bytes;
  }

  void run_until_over() {
    for (const auto deadline = Deadline::after(10s); !is_over_ && !deadline.has_passed();)
      (void)loop_->run_once(deadline);
    EXPECT_TRUE(is_over_);
  }

  UniqueFd guest_;
  std::unique_ptr<DnsStream> stream_;
  bool is_over_ = false;
};

TEST_F(DnsStreamTest, AnswersWhatComesInPieces) {
  serve_addresses({}, {"192.0.2.1"});
  connect();
  const auto bytes = framed(query("a.com")) + framed(query("b.com"));
  ASSERT_EQ(::send(guest_.get(), bytes.data(), 5, 0), 5);
  (void)loop_->run_once(Deadline::after(1s));
  ASSERT_GT(::send(guest_.get(), bytes.data() + 5, bytes.size() - 5, 0), 0);
  auto first = receive(2);
  ASSERT_GE(first.size(), 2u);
  EXPECT_EQ(upstream_->queries(), 2);
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(first[1]));
  first += receive(2 + size - std::min(first.size(), 2 + size));
  EXPECT_THAT(addresses(parse_dns_message(first.substr(2, size)).value()), ElementsAre("192.0.2.1"));
  guest_.reset();
  run_until_over();
}

TEST_F(DnsStreamTest, AnswersMoreThanItTakesAtOnce) {
  serve({.deny = {"*"}}, {});
  connect();
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += framed(query("a.com"));
  ASSERT_EQ(::send(guest_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  ASSERT_EQ(::shutdown(guest_.get(), SHUT_WR), 0);
  const auto answers = receive(1u << 20);
  int count = 0;
  for (std::string_view rest = answers; rest.size() > 2; ++count) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) << 8 |
                                               static_cast<unsigned char>(rest[1]));
    ASSERT_GE(rest.size(), size + 2);
    EXPECT_EQ(parse_dns_message(rest.substr(2, size))->rcode, dns_rcode::no_such_name);
    rest.remove_prefix(size + 2);
  }
  EXPECT_EQ(count, 200);
  EXPECT_TRUE(is_over_);
}

TEST_F(DnsStreamTest, OutlivesNobody) {
  upstream_ = std::make_unique<TestNameServer>(*loop_, [](const Query&) { return std::nullopt; });
  serve({}, {upstream_->address()}, 100ms);
  connect();
  const auto bytes = framed(query("a.com"));
  ASSERT_GT(::send(guest_.get(), bytes.data(), bytes.size(), 0), 0);
  while (server_->open_questions() == 0) ASSERT_TRUE(loop_->run_once(Deadline::after(5s)).value());
  stream_.reset();
  for (const auto deadline = Deadline::after(5s); server_->open_questions() > 0 && !deadline.has_passed();)
    (void)loop_->run_once(deadline);
  EXPECT_EQ(server_->open_questions(), 0u);
}

TEST_F(DnsStreamTest, EndsWithAGuestThatGoes) {
  serve({}, {});
  connect();
  ASSERT_EQ(::send(guest_.get(), "\xff\xff half", 7, 0), 7);
  guest_.reset();
  run_until_over();
}

}  // namespace
}  // namespace boxlite::net
