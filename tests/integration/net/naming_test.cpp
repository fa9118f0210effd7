// SPDX-License-Identifier: Apache-2.0
// Names, rules and flows together: what the guest is told by DNS is what it can reach.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/dns/dns_server.h"
#include "net/gateway.h"
#include "net/test_name_server.h"
#include "tap_guest.h"

namespace boxlite::net {
namespace {

using testing::HasSubstr;

// Answers each connection with where it was meant to go.
class Teller final : public StreamHandler {
 public:
  void take(UniqueFd guest_side, const netpolicy::Flow& flow) override {
    const auto text = concat("to ", flow.destination.str(), "\n");
    (void)::send(guest_side.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  bool wants(const netpolicy::Flow&) const override { return true; }
};

class NamingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces with a tap device need root";
    auto guest = test::TapGuest::create(*loop_);
    ASSERT_TRUE(guest) << guest.error().message();
    guest_ = *std::move(guest);
  }

  void connect(const netpolicy::PolicySpec& spec) {
    const auto policy = netpolicy::Policy::create(spec).value();
    DnsServer::Settings settings{.hosts_file = "/dev/null", .resolver = {.servers = {upstream_.address()}}};
    dns_ = std::make_unique<DnsServer>(*loop_, names_, &log_, policy, std::move(settings));
    gateway_ =
        Gateway::create(
            *loop_, guest_->take_link(), directory_.path(),
            {.policy = policy, .names = &names_, .dns = dns_.get(), .inspector = &teller_, .log = &log_})
            .value();
  }

  // "RCODE ADDRESS": what a stub resolver in the guest is told.
  std::string look_up(std::string_view name) {
    return guest_->run(concat("timeout 10 python3 -c \"\nimport socket\nn='", name,
                              "'\n"
                              "q=b'\\x00\\x07\\x01\\x00\\x00\\x01'+bytes(6)+b''.join(bytes([len(l)])+l."
                              "encode() for l in n.split('.'))"
                              "+b'\\x00\\x00\\x01\\x00\\x01'\n"
                              "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(8); "
                              "s.connect(('192.168.127.1',53)); "
                              "s.send(q)\n"
                              "r=s.recv(2000)\n"
                              "print(r[3]&15, '.'.join(map(str,r[-4:])) if r[7] else 'none')\""));
  }
  std::string reach(std::string_view address, int port) {
    return guest_->run(concat("timeout 10 bash -c 'cat < /dev/tcp/", address, "/", port, "'"));
  }

  std::unique_ptr<linux_::EventLoop> loop_ = linux_::EventLoop::create().value();
  TempDir directory_ = TempDir::create("/tmp", "naming-").value();
  netpolicy::AuditLog log_{directory_.path() / netpolicy::audit_file_name};
  NameTable names_;
  Teller teller_;
  TestNameServer upstream_{*loop_, [](const TestNameServer::Query& query) {
                             const auto name = query.message.questions.at(0).name.text();
                             const auto address = name == "inner.example" ? "10.1.2.3" : "198.51.100.7";
                             return encode(TestNameServer::respond(query.message, {address}));
                           }};
  std::unique_ptr<test::TapGuest> guest_;
  std::unique_ptr<DnsServer> dns_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(NamingTest, ANameOpensTheAddressThatItWasGivenFor) {
  connect({.allow = {"good.example:5432"}});
  EXPECT_THAT(reach("198.51.100.7", 5432), HasSubstr("refused")) << "nobody has told the guest of it";
  EXPECT_EQ(look_up("good.example"), "0 198.51.100.7\n");
  EXPECT_EQ(reach("198.51.100.7", 5432), "to 198.51.100.7\n");
  EXPECT_THAT(reach("198.51.100.7", 5433), HasSubstr("refused"));
  EXPECT_THAT(reach("198.51.100.8", 5432), HasSubstr("refused"));
}

TEST_F(NamingTest, OtherNamesDoNotExistAndAreNotAskedFor) {
  connect({.allow = {"good.example"}});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(look_up("evil.example"), "3 none\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_EQ(upstream_.queries(), 0);
  EXPECT_THAT(read_file(directory_.path() / netpolicy::audit_file_name).value_or(""),
              HasSubstr("\"name\":\"evil.example\""));
}

TEST_F(NamingTest, NoNameLeadsInside) {
  connect({});
  EXPECT_EQ(look_up("inner.example"), "0 none\n");
  EXPECT_THAT(reach("10.1.2.3", 80), HasSubstr("refused"));
}

TEST_F(NamingTest, ADeniedNameIsDeniedWhereverElseItsAddressIsUsed) {
  connect({.deny = {"evil.example"}});
  EXPECT_EQ(look_up("evil.example"), "3 none\n");
  EXPECT_EQ(look_up("good.example"), "0 198.51.100.7\n");
  EXPECT_EQ(reach("198.51.100.7", 5432), "to 198.51.100.7\n");
}

}  // namespace
}  // namespace boxlite::net
