// SPDX-License-Identifier: Apache-2.0
#include "net/gateway.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/test_guest.h"

namespace boxlite::net {
namespace {

using std::chrono::milliseconds;

// Keeps what it is given open, and says nothing.
class Keeper final : public StreamHandler {
 public:
  void take(UniqueFd guest_side, const netpolicy::Flow&) override { kept_.push_back(std::move(guest_side)); }
  std::size_t kept() const { return kept_.size(); }

 private:
  std::vector<UniqueFd> kept_;
};

class GatewayUnitTest : public testing::Test {
 protected:
  GatewayUnitTest() : loop_(*linux_::EventLoop::create()), guest_(*loop_) {}

  void connect(const netpolicy::PolicySpec& policy, const GatewayBounds& bounds = {}) {
    auto gateway =
        Gateway::create(*loop_, guest_.take_link(), directory_->path(),
                        {.policy = *netpolicy::Policy::create(policy), .dns_streams = &dns_}, bounds);
    ASSERT_TRUE(gateway) << gateway.error().message();
    gateway_ = *std::move(gateway);
  }

  void turn(milliseconds limit = milliseconds(20)) { (void)loop_->run_once(Deadline::after(limit)); }

  std::unique_ptr<linux_::EventLoop> loop_;
  Result<TempDir> directory_ = TempDir::create("/tmp", "gateway-");
  Keeper dns_;
  TestGuest guest_;
  std::unique_ptr<Gateway> gateway_;
};

// The inlet's connection is the one too many, and the one that has to go stands behind the inlet in slirp's
// list of sockets, which it walks at that very moment.
TEST_F(GatewayUnitTest, LetsAFlowGoWhileTheStackIsAtWork) {
  connect({}, {.flows = {.tcp = 4}});
  ASSERT_TRUE(guest_.connect(2000, {gateway_v4, dns_port}));
  auto first = gateway_->connect_to_guest(8080);
  ASSERT_TRUE(first);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(*gateway_->connect_to_guest(8080));
    turn();
  }
  const auto reset = guest_.await([](const Packet& packet) {
    return packet.is(IpProtocol::tcp) && (packet.tcp_flags & TcpFlags::rst) != 0;
  });
  EXPECT_TRUE(reset) << "the guest is told that its connection has ended";
  EXPECT_LE(gateway_->flows(), 4u);
}

class LocalUdp {
 public:
  LocalUdp() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_storage address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    auto size = netpolicy::IpAddress::v4(0x7f000001).to_sockaddr(0, address);
    EXPECT_EQ(::bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
    port_ = netpolicy::port_of(address);
  }
  std::uint16_t port() const { return port_; }
  // Who sent something since.
  std::optional<sockaddr_storage> sender() {
    sockaddr_storage from;
    socklen_t size = sizeof from;
    char byte = 0;
    if (::recvfrom(socket_.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &size) < 0)
      return std::nullopt;
    return from;
  }
  void send(const sockaddr_storage& to, std::string_view text) {
    EXPECT_EQ(::sendto(socket_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                       sizeof(sockaddr_in)),
              static_cast<ssize_t>(text.size()));
  }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

class GatewayDatagrams : public GatewayUnitTest {
 protected:
  void SetUp() override {
    connect({.allow = {concat("udp:127.0.0.1:", friend_.port())}});
    to_friend();
    for (int i = 0; i < 500 && !guest_address_; ++i) {
      turn();
      guest_address_ = friend_.sender();
    }
    ASSERT_TRUE(guest_address_) << "what the rule allows arrives";
  }
  void to_friend() { guest_.send(TestPackets::udp(4000, {host_v4, friend_.port()}, "to A")); }
  // What the guest hears until a datagram of the host's published port, which is sent last, has come.
  std::vector<std::string> heard() {
    for (int i = 0; i < 5; ++i) turn(milliseconds(5));
    gateway_->send_to_guest(9, 4000, ConstBytes(reinterpret_cast<const std::uint8_t*>("end"), 3));
    std::vector<std::string> texts;
    while (texts.empty() || texts.back() != "end") {
      auto frame = guest_.await([](const Packet& packet) { return packet.is(IpProtocol::udp); });
      if (!frame) break;
      const auto bytes = TestGuest::parse(*frame)->payload_bytes();
      texts.emplace_back(bytes.begin(), bytes.end());
    }
    return texts;
  }

  LocalUdp friend_;
  LocalUdp stranger_;
  std::optional<sockaddr_storage> guest_address_;
};

TEST_F(GatewayDatagrams, ComeFromWhomTheGuestTalksToOnly) {
  friend_.send(*guest_address_, "from A");
  stranger_.send(*guest_address_, "from B");
  EXPECT_THAT(heard(), testing::ElementsAre("from A", "end"));
}

// Slirp would cut it into fragments, which have no ports.
TEST_F(GatewayDatagrams, DoNotComeInPieces) {
  stranger_.send(*guest_address_, std::string(65'507, 'x'));
  for (int i = 0; i < 5; ++i) turn(milliseconds(5));
  while (auto frame = guest_.next()) EXPECT_LT(frame->size(), 1000u);
}

TEST_F(GatewayDatagrams, EndWithThePolicyThatAllowedThem) {
  gateway_->set_policy(*netpolicy::Policy::create({.allow = {"example.com"}}));
  friend_.send(*guest_address_, "from A");
  stranger_.send(*guest_address_, "from B");
  EXPECT_THAT(heard(), testing::ElementsAre("end")) << "published ports are no matter of the policy";
  to_friend();
  const auto refusal = guest_.await([](const Packet& packet) { return packet.is_icmp(); });
  EXPECT_TRUE(refusal);
  EXPECT_FALSE(friend_.sender());
}

// It is about the guest's own datagram, so it belongs to that flow.
TEST_F(GatewayDatagrams, AreToldThatNobodyListens) {
  LocalUdp other;
  const auto port = other.port();
  gateway_->set_policy(*netpolicy::Policy::create({.allow = {"udp:127.0.0.1"}}));
  other = LocalUdp();
  guest_.send(TestPackets::udp(4001, {host_v4, port}, "anybody?"));
  const auto error = guest_.await([](const Packet& packet) { return packet.is_icmp(); });
  ASSERT_TRUE(error);
  auto frame = *error;
  const auto quoted = quoted_packet(*TestGuest::parse(frame));
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->destination_port, port);
  EXPECT_EQ(quoted->source_port, 4001);
}

TEST_F(GatewayUnitTest, AnswersPings) {
  connect({});
  for (const auto& address : {gateway_v4, gateway_v6}) {
    guest_.send(TestPackets::echo(address, 77));
    EXPECT_TRUE(guest_.await([&](const Packet& packet) {
      return packet.is_icmp() && packet.source == address && packet.source_port == 77;
    })) << address.str();
  }
}

TEST_F(GatewayUnitTest, EndsAtOnceWhatHasToBeAskedForNow) {
  connect({.allow = {"192.0.2.1", "192.0.2.2"}});
  // Whether they get anywhere does not matter.
  for (const std::uint32_t last : {1u, 2u})
    guest_.send(TestPackets::udp(3000, {netpolicy::IpAddress::v4(0xc0000200 + last), 9}, "x"));
  for (int i = 0; i < 500 && gateway_->flows() < 2; ++i) turn();
  ASSERT_EQ(gateway_->flows(), 2u);
  gateway_->set_policy(*netpolicy::Policy::create({.allow = {"192.0.2.2"}, .is_asking = true}));
  EXPECT_EQ(gateway_->flows(), 1u);
}

TEST_F(GatewayUnitTest, RefusesWhatItHasNoSocketsFor) {
  connect({.allow = {"udp:127.0.0.1"}}, {.sockets = 4});
  LocalUdp server;
  for (std::uint16_t port = 5000; port < 5010; ++port)
    guest_.send(TestPackets::udp(port, {host_v4, server.port()}, "x"));
  const auto refusal = guest_.await([](const Packet& packet) { return packet.is_icmp(); });
  EXPECT_TRUE(refusal);
  EXPECT_LE(gateway_->flows(), 4u);
  EXPECT_EQ(gateway_->counters().connections + gateway_->counters().refusals, 10u);
  EXPECT_EQ(gateway_->connect_to_guest(80).error().code(), ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace boxlite::net
