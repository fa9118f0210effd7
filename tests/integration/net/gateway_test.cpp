// SPDX-License-Identifier: Apache-2.0
#include "net/gateway.h"

#include <thread>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/local_addresses.h"
#include "net/published_ports.h"
#include "support/greeter.h"
#include "tap_guest.h"

namespace boxlite::net {
namespace {

using test::Greeter;
using testing::HasSubstr;

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() : loop_(*linux_::EventLoop::create()), directory_(TempDir::create("/tmp", "gateway-")) {}

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces with a tap device need root";
    auto guest = test::TapGuest::create(*loop_);
    ASSERT_TRUE(guest) << guest.error().message();
    guest_ = *std::move(guest);
  }

  void connect(std::vector<std::string> allow, StreamHandler* inspector = nullptr, Gateway::Ask ask = {}) {
    auto gateway = Gateway::create(*loop_, guest_->take_link(), directory_->path(),
                                   {.policy = *netpolicy::Policy::create(
                                        {.allow = std::move(allow), .is_asking = static_cast<bool>(ask)}),
                                    .inspector = inspector,
                                    .ask = std::move(ask)});
    ASSERT_TRUE(gateway) << gateway.error().message();
    gateway_ = *std::move(gateway);
  }

  // What bash's own sockets say.
  std::string ask_tcp(std::string_view address, int port) {
    return guest_->run(concat("timeout 10 bash -c 'cat < /dev/tcp/", address, "/", port, "'"));
  }
  std::string ask_udp(std::string_view address, int port) {
    return guest_->run(concat("timeout 10 bash -c 'exec 3<>/dev/udp/", address, "/", port,
                              "; echo hello >&3; head -n 1 <&3'"));
  }

  std::unique_ptr<linux_::EventLoop> loop_;
  Result<TempDir> directory_;
  std::unique_ptr<test::TapGuest> guest_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, ReachesTheHostByItsAlias) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  const Greeter udp(AF_INET, SOCK_DGRAM);
  const Greeter tcp6(AF_INET6, SOCK_STREAM);
  connect({"host.boxlite.internal"});
  EXPECT_EQ(ask_tcp("192.168.127.254", tcp.port()), concat("from ", tcp.port(), "\n"));
  EXPECT_EQ(ask_udp("192.168.127.254", udp.port()), concat("from ", udp.port(), "\n"));
  EXPECT_EQ(ask_tcp("fd5a:94ef:e40c::254", tcp6.port()), concat("from ", tcp6.port(), "\n"));
  EXPECT_EQ(gateway_->counters().connections, 3u);
  EXPECT_GT(gateway_->counters().received_bytes, 0u);
}

TEST_F(GatewayTest, RefusesAtOnceWhatIsNotAllowed) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  connect({});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(ask_tcp("192.168.127.254", tcp.port()), HasSubstr("refused"));
  EXPECT_THAT(ask_tcp("169.254.169.254", 80), HasSubstr("refused"));
  EXPECT_THAT(ask_tcp("10.1.2.3", 22), HasSubstr("refused"));
  EXPECT_THAT(ask_tcp("fd5a:94ef:e40c::254", tcp.port()), HasSubstr("refused"));
  EXPECT_THAT(ask_tcp("192.168.127.4", 1), HasSubstr("refused")) << "where inspected flows are led";
  EXPECT_THAT(ask_udp("10.1.2.3", 53), HasSubstr("No route to host"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(gateway_->counters().connections, 0u);
}

TEST_F(GatewayTest, EndsWhatANewPolicyDoesNotAllow) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  connect({"host.boxlite.internal"});
  EXPECT_THAT(ask_tcp("192.168.127.254", tcp.port()), HasSubstr("from"));
  gateway_->set_policy(*netpolicy::Policy::create({}));
  EXPECT_THAT(ask_tcp("192.168.127.254", tcp.port()), HasSubstr("refused"));
}

// Says to each connection what it was meant for.
class Teller final : public StreamHandler {
 public:
  void take(UniqueFd guest_side, const netpolicy::Flow& flow) override {
    const auto text = concat("to ", flow.destination.str(), " ", flow.port, "\n");
    (void)::send(guest_side.get(), text.data(), text.size(), MSG_NOSIGNAL);
    ++taken_;
  }
  bool wants(const netpolicy::Flow& flow) const override { return flow.port == 4433; }
  int taken() const { return taken_; }

 private:
  int taken_ = 0;
};

TEST_F(GatewayTest, HandsOverWhatMustBeInspectedInBothFamilies) {
  Teller teller;
  connect({}, &teller);
  EXPECT_EQ(ask_tcp("198.51.100.7", 4433), "to 198.51.100.7 4433\n");
  EXPECT_EQ(ask_tcp("2001:db9::7", 4433), "to 2001:db9::7 4433\n");
  // One port of the guest, several destinations at once: each is told apart.
  const auto many = guest_->run(
      "for i in 1 2 3 4 5 6 7 8; do (timeout 10 bash -c \"cat < /dev/tcp/198.51.100.$i/4433\") & done; wait");
  for (int i = 1; i <= 8; ++i) EXPECT_THAT(many, HasSubstr(concat("to 198.51.100.", i, " 4433\n")));
  EXPECT_EQ(teller.taken(), 10);
}

TEST_F(GatewayTest, HoldsAFlowWhileSomebodyIsAsked) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  std::vector<std::string> asked;
  Teller teller;
  connect({}, &teller, [&](const netpolicy::Flow& flow, std::move_only_function<void(bool)> answer) {
    asked.push_back(flow.destination.str());
    answer(flow.destination.str() == "198.51.100.7");
  });
  EXPECT_EQ(ask_tcp("198.51.100.7", 4433), "to 198.51.100.7 4433\n");
  EXPECT_THAT(ask_tcp("198.51.100.8", 4433), HasSubstr("refused"));
  EXPECT_THAT(asked, testing::ElementsAre("198.51.100.7", "198.51.100.8"));
}

TEST_F(GatewayTest, LetsPublishedPortsIn) {
  PublishedPorts ports(*loop_);
  connect({});
  const auto tcp = ports.add({.host = {netpolicy::IpAddress::v4(0x7f000001), 0}, .box_port = 7001});
  const auto udp =
      ports.add({.host = {netpolicy::IpAddress::v4(0x7f000001), 0}, .box_port = 7002, .is_udp = true});
  ASSERT_TRUE(tcp && udp);
  ports.attach(*gateway_);
  // The clients are the host's; the guest serves while they wait.
  std::string from_tcp, from_udp;
  std::thread tcp_client([&] {
    const auto line = concat("for i in 1 2 3 4 5 6 7 8 9; do timeout 5 bash -c 'cat < /dev/tcp/127.0.0.1/",
                             *tcp, "' 2>/dev/null | grep . && break; sleep 0.3; done");
    FILE* const pipe = ::popen(concat("bash -c \"", line, "\"").c_str(), "r");
    char buffer[256];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) from_tcp += buffer;
    ::pclose(pipe);
  });
  guest_->run(
      "timeout 8 python3 -c \"import socket; s=socket.create_server(('',7001)); s.settimeout(6); "
      "c=s.accept()[0]; c.sendall(b'served\\n'); c.close()\"");
  tcp_client.join();
  EXPECT_EQ(from_tcp, "served\n");
  std::thread udp_client([&] {
    // Again and again: the guest may not listen yet.
    const auto client = concat(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(0.5)\n"
        "s.connect((\"127.0.0.1\", ",
        *udp,
        "))\nfor i in range(12):\n  try:\n    s.send(b\"ping\")\n    print(s.recv(99).decode(), end=\"\")\n"
        "    s.send(b\"thanks\")\n    break\n  except OSError: pass\n");
    FILE* const pipe = ::popen(concat("python3 -c '", client, "'").c_str(), "r");
    char buffer[256];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) from_udp += buffer;
    ::pclose(pipe);
  });
  guest_->run(
      "timeout 8 python3 -c \"import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); "
      "s.bind(('',7002)); "
      "s.settimeout(6); d,a=s.recvfrom(99); s.sendto(b'pong\\n',a); s.recvfrom(99)\"");
  udp_client.join();
  EXPECT_EQ(from_udp, "pong\n");
  ports.detach();
}

TEST_F(GatewayTest, NamesWhoHasAPort) {
  const Greeter holder(AF_INET, SOCK_STREAM);
  PublishedPorts ports(*loop_);
  const auto taken =
      ports.add({.host = {netpolicy::IpAddress::v4(0x7f000001), holder.port()}, .box_port = 80});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::already_exists);
  EXPECT_THAT(taken.error().message(), HasSubstr(concat("(pid ", ::getpid(), ")")));
}

}  // namespace
}  // namespace boxlite::net
