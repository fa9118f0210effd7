// SPDX-License-Identifier: Apache-2.0
// What boxes reach, and what reaches them, from real guests.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "integration/box/box_fixture.h"
#include "net/test_name_server.h"
#include "support/greeter.h"
#include "support/talk.h"

namespace boxlite::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Serves "served" on port 80 for ever.
const std::vector<std::string> web_server{"sh", "-c", "while true; do echo served | nc -l -p 80; done"};

class NetworkTest : public BoxTest {
 protected:
  static std::string shell(Box& box, const std::string& script) {
    const auto ran = run_in(box, {"sh", "-c", script});
    return ran.out + ran.err;
  }
  static NetworkSpec host_only() { return {.allow = {"host.boxlite.internal"}}; }
  // Its server may not be up yet.
  static bool serves(std::uint16_t port) {
    return comes_true([&] { return tcp_talk(port) == "served\n"; });
  }
};

TEST_F(NetworkTest, ReachesTheHostByNameOverTcpAndUdp) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  // What TFTP calls the first and last block of a file.
  const Greeter udp(AF_INET, SOCK_DGRAM, 0, std::string("\0\3\0\1by udp\n", 11));
  auto runtime = open();
  auto box = create(runtime, {.network = host_only()});
  EXPECT_EQ(shell(box, concat("nc host.boxlite.internal ", tcp.port(), " </dev/null")),
            concat("from ", tcp.port(), "\n"));
  EXPECT_EQ(shell(box, concat("tftp -g -r any -l /tmp/file host.boxlite.internal ", udp.port(),
                              " && cat /tmp/file")),
            "by udp\n");
  EXPECT_THAT(shell(box, "nslookup host.boxlite.internal"), HasSubstr("192.168.127.254"));
  EXPECT_THAT(shell(box, "ip addr show eth0"), HasSubstr("192.168.127.2/24"));
}

TEST_F(NetworkTest, KnowsTheNamesThatItWasGivenAndAsksWhomItWasTold) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  auto runtime = open();
  NetworkSpec network{.allow = {"host.docker.internal", "example.com", "db.example"},
                      .hosts = {{.name = "db.example", .address = "host-gateway"},
                                {.name = "six.example", .address = "2001:db8::7"}},
                      .dns = {.servers = {"127.0.0.99"}, .search = {"example.com"}, .options = {"ndots:3"}}};
  auto box = create(runtime, {.network = network});
  for (const auto* name : {"host.boxlite.internal", "host.docker.internal", "db.example"}) {
    EXPECT_EQ(shell(box, concat("nc ", name, " ", tcp.port(), " </dev/null")),
              concat("from ", tcp.port(), "\n"))
        << name;
  }
  EXPECT_THAT(shell(box, "nslookup host.docker.internal"), HasSubstr("192.168.127.254"));
  EXPECT_THAT(shell(box, "nslookup six.example; grep six /etc/hosts"),
              testing::AllOf(HasSubstr("2001:db8::7\tsix.example")));
  EXPECT_THAT(shell(box, "cat /etc/resolv.conf"),
              testing::AllOf(HasSubstr("search example.com\n"), HasSubstr("options ndots:3\n")));
  // Nobody answers there, so that nobody else can have been asked.
  EXPECT_THAT(shell(box, "nslookup example.com"), testing::Not(HasSubstr("Name:")));
  const auto info = box.info();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->spec.network, network);
}

TEST_F(NetworkTest, IsAnsweredByTheNameServerThatItWasTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "a name server is asked at port 53, which is root's";
  auto loop = *linux_::EventLoop::create();
  std::atomic<int> asked = 0;
  const auto answer = [&](const net::TestNameServer::Query& query) {
    ++asked;
    return net::encode(net::TestNameServer::respond(query.message, {"93.184.215.14"}));
  };
  // Others may test at the same time.
  const auto place = netpolicy::IpAddress::v4(0x7f4d0001u | static_cast<std::uint32_t>(::getpid() & 0xffff));
  const net::TestNameServer server(*loop, answer, place, 53);
  const std::jthread serving([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)loop->run_once(Deadline::after(std::chrono::milliseconds(20)));
  });
  auto runtime = open();
  NetworkSpec network{.allow = {"told.example"}, .dns = {.servers = {place.str()}}};
  auto told = create(runtime, {.network = network});
  EXPECT_THAT(shell(told, "nslookup told.example"), HasSubstr("93.184.215.14"));
  EXPECT_GT(asked, 0);
  EXPECT_THAT(shell(told, "nslookup other.example"), testing::Not(HasSubstr("93.184.215.14")))
      << "rules hold for its answers too";
  asked = 0;
  auto other = create(runtime, {.network = {.allow = {"told.example"}}});
  EXPECT_THAT(shell(other, "nslookup told.example"), testing::Not(HasSubstr("93.184.215.14")));
  EXPECT_EQ(asked, 0) << "a box that was not told of it";
}

TEST_F(NetworkTest, PublishesWhatIsExposedAndNotPublishedYet) {
  auto runtime = open();
  BoxSpec spec{
      .command = web_server,
      .network = {.ports = {{.box_port = 81}},
                  .exposed = {{.port = 80}, {.port = 81}, {.port = 80, .protocol = PortProtocol::udp}},
                  .publish_exposed = true}};
  auto box = create(runtime, spec);
  ASSERT_TRUE(box.start());
  const auto info = box.info();
  ASSERT_TRUE(info);
  ASSERT_EQ(info->ports.size(), 3u);
  const auto web = std::ranges::find_if(info->ports, [](const auto& port) {
    return port.box_port == 80 && port.protocol == PortProtocol::tcp;
  });
  ASSERT_NE(web, info->ports.end());
  EXPECT_EQ(web->host_address, "127.0.0.1");
  EXPECT_TRUE(serves(web->host_port));
}

TEST_F(NetworkTest, SaysNoAtOnce) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  auto runtime = open();
  auto box = create(runtime);
  EXPECT_THAT(shell(box, concat("nc 192.168.127.254 ", tcp.port(), " </dev/null")), HasSubstr("refused"));
  EXPECT_THAT(shell(box, "nc 169.254.169.254 80 </dev/null"), HasSubstr("refused"));
}

TEST_F(NetworkTest, WorksInAMachineThatBootsAndInOneThatGoesOn) {
  const Greeter tcp(AF_INET, SOCK_STREAM);
  auto runtime = open();
  for (const bool cold : {true, false}) {
    auto box = create(runtime, {.network = host_only(), .cold_start = cold});
    EXPECT_EQ(shell(box, concat("nc 192.168.127.254 ", tcp.port(), " </dev/null")),
              concat("from ", tcp.port(), "\n"));
  }
}

TEST_F(NetworkTest, IsNothingButTheLoopbackWithoutOne) {
  auto runtime = open();
  auto box = create(runtime, {.network = {.is_enabled = false}});
  EXPECT_THAT(shell(box, "nc 192.168.127.254 80 </dev/null"), HasSubstr("unreachable"));
  EXPECT_THAT(shell(box, "nc -w 2 192.168.127.1 53 </dev/null"), HasSubstr("unreachable"));
  EXPECT_EQ(shell(box, "echo hi | nc -l -p 7 & sleep 1; nc 127.0.0.1 7 </dev/null"), "hi\n");
  EXPECT_EQ(box.publish({.box_port = 80}).error().code(), ErrorCode::invalid_state);
  // Not by a root that brings the device up again either.
  EXPECT_THAT(shell(box,
                    "ip link set eth0 up; ip route add default via 192.168.127.1; nc -w 2 192.168.127.254 80 "
                    "</dev/null; echo $?"),
              testing::Not(HasSubstr("\n0\n")));
}

TEST_F(NetworkTest, PublishesAPortThatStaysOverStopAndStart) {
  auto runtime = open();
  auto box = create(runtime, {.command = web_server, .network = {.ports = {{.box_port = 80}}}});
  ASSERT_TRUE(box.start());
  const auto ports = box.info()->ports;
  ASSERT_EQ(ports.size(), 1u);
  EXPECT_EQ(ports[0].host_address, "127.0.0.1");
  EXPECT_TRUE(serves(ports[0].host_port));
  ASSERT_TRUE(box.stop());
  EXPECT_THAT(box.info()->ports, ElementsAre());
  EXPECT_EQ(tcp_talk(ports[0].host_port), std::nullopt);
  ASSERT_TRUE(box.start());
  EXPECT_EQ(box.info()->ports, ports) << "the same one, as it was free";
  EXPECT_TRUE(serves(ports[0].host_port));
  // A shim that is killed holds nothing.
  const auto shim = box.info()->shim_pid;
  ASSERT_TRUE(shim);
  ::kill(*shim, SIGKILL);
  EXPECT_TRUE(comes_true([&] { return !tcp_talk(ports[0].host_port); }));
  const Greeter taken(AF_INET, SOCK_STREAM, ports[0].host_port);
  EXPECT_EQ(tcp_talk(ports[0].host_port), concat("from ", ports[0].host_port, "\n"));
}

TEST_F(NetworkTest, PublishesAndWithdrawsWhileItRuns) {
  auto runtime = open();
  auto box = create(runtime, {.command = web_server});
  ASSERT_TRUE(box.start());
  const auto published = box.publish({.box_port = 80});
  ASSERT_TRUE(published) << published.error().message();
  EXPECT_TRUE(serves(published->host_port));
  EXPECT_THAT(box.info()->ports, ElementsAre(*published));
  const auto gone = box.unpublish(*published);
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_EQ(tcp_talk(published->host_port), std::nullopt);
  EXPECT_EQ(box.unpublish(*published).error().code(), ErrorCode::not_found);
}

TEST_F(NetworkTest, SaysWhoHasAPort) {
  const Greeter holder(AF_INET, SOCK_STREAM);
  auto runtime = open();
  auto box = create(runtime, {.network = {.ports = {{.host_port = holder.port(), .box_port = 80}}}});
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::already_exists);
  EXPECT_THAT(started.error().message(), HasSubstr(concat("(pid ", ::getpid(), ")")));

  auto first = create(runtime, {.network = {.ports = {{.box_port = 80}}}});
  ASSERT_TRUE(first.start());
  const auto port = first.info()->ports.at(0).host_port;
  auto second = create(runtime, {.network = {.ports = {{.host_port = port, .box_port = 80}}}});
  EXPECT_THAT(second.start().error().message(), HasSubstr(concat("box \"", first.id(), "\"")));
}

}  // namespace
}  // namespace boxlite::test
