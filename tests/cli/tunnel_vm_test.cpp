// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <filesystem>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// With a running box "w" without a network, in which port 7 repeats what it is told.
class TunnelVmTest : public VmTest {
 protected:
  void SetUp() override {
    VmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto started = run({"run", "-d", "--name", "w", "--network", "none", "boxlite/base", "nc", "-ll",
                              "-p", "7", "-e", "cat"});
    ASSERT_EQ(started.code(), 0) << started.err;
    const auto ready = run({"exec", "--timeout", "30s", "w", "sh", "-c",
                            "until netstat -ltn | grep -q ':7 '; do sleep 0.05; done"});
    ASSERT_EQ(ready.code(), 0) << ready.err;
  }
  // The first line: where it listens.
  static std::string first_line(Program& program) {
    EXPECT_TRUE(program.wait_for_output("\n", 60s));
    return program.out().substr(0, program.out().find('\n'));
  }
};

// What comes back for it, once we have ended our side; "" when nobody is there.
std::string converse(int family, const sockaddr* address, socklen_t size, std::string_view bytes) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{30, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string said;
  if (::connect(fd, address, size) == 0) {
    (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    char buffer[4096];
    for (auto count = ::recv(fd, buffer, sizeof buffer, 0); count > 0;
         count = ::recv(fd, buffer, sizeof buffer, 0))
      said.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  return said;
}

std::string unix_talk(const std::string& path, std::string_view bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return converse(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address, bytes);
}

std::string port_talk(std::uint16_t port, std::string_view bytes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return converse(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof address, bytes);
}

TEST_F(TunnelVmTest, ConnectsStandardInputAndOutput) {
  const auto bytes = awkward_bytes(1'000'000);
  const auto result = run({"network", "tunnel", "w", "7"}, bytes);
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_TRUE(result.out == bytes) << result.out.size() << " bytes";
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(TunnelVmTest, EndsWhenTheServiceDoes) {
  const auto service = run({"exec", "-d", "w", "sh", "-c", "echo bye | nc -l -p 8"});
  ASSERT_EQ(service.code(), 0) << service.err;
  ASSERT_EQ(run({"exec", "--timeout", "30s", "w", "sh", "-c",
                 "until netstat -ltn | grep -q ':8 '; do sleep 0.05; done"})
                .code(),
            0);
  // Its standard input stays open.
  Program program(home().command({"network", "tunnel", "w", "8"}));
  ASSERT_TRUE(program.wait_for_output("bye\n", 60s));
  EXPECT_EQ(program.wait().code(), 0);
}

TEST_F(TunnelVmTest, ListensOnAPortThatIsFree) {
  Program program(home().command({"network", "tunnel", "w", "7", "--listen", "0"}));
  const auto place = first_line(program);
  ASSERT_THAT(place, StartsWith("127.0.0.1:"));
  const auto port = static_cast<std::uint16_t>(std::stoul(place.substr(place.find(':') + 1)));
  Program other(home().command({"network", "tunnel", "w", "7", "--listen", place}));
  const auto refused = other.wait();
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(place), HasSubstr("in use")));
  EXPECT_EQ(port_talk(port, "first"), "first");
  EXPECT_EQ(port_talk(port, "second"), "second");
  program.send_signal(SIGINT);
  const auto result = program.wait();
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_EQ(result.out, place + "\n");
  EXPECT_EQ(port_talk(port, "third"), "");
}

TEST_F(TunnelVmTest, ListensOnAUnixSocketThatGoesWithIt) {
  const auto path = (home().directory() / "tunnel.sock").string();
  {
    // What a killed one leaves is no obstacle.
    Program killed(home().command({"network", "tunnel", "w", "7", "--listen", path}));
    ASSERT_EQ(first_line(killed), path);
    killed.send_signal(SIGKILL);
    killed.wait();
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  Program program(home().command({"network", "tunnel", "w", "7", "--listen", path}));
  ASSERT_EQ(first_line(program), path);
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(unix_talk(path, "first"), "first");
  EXPECT_EQ(unix_talk(path, "second"), "second");
  const auto second = run({"network", "tunnel", "w", "7", "--listen", path});
  EXPECT_EQ(second.code(), 125);
  EXPECT_THAT(second.err, HasSubstr("exists"));
  program.send_signal(SIGTERM);
  EXPECT_EQ(program.wait().code(), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(TunnelVmTest, SaysThatTheBoxHasStopped) {
  const auto path = (home().directory() / "stopped.sock").string();
  Program program(home().command({"network", "tunnel", "w", "7", "--listen", path}));
  ASSERT_EQ(first_line(program), path);
  ASSERT_EQ(run({"stop", "w"}).code(), 0);
  const auto result = program.wait();
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, HasSubstr("has stopped"));
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto late = run({"network", "tunnel", "w", "7"});
  EXPECT_EQ(late.code(), 125);
  EXPECT_THAT(late.err, HasSubstr("not running"));
}

TEST_F(TunnelVmTest, SaysThatNobodyListens) {
  const auto result = run({"network", "tunnel", "w", "81"});
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, AllOf(HasSubstr("port 81: nobody listens"), HasSubstr("try:")));
  EXPECT_EQ(run({"network", "tunnel", "w", "/run/none"}).code(), 125);
  EXPECT_EQ(run({"network", "tunnel", "w", "db:5432"}).code(), 2);
  EXPECT_EQ(run({"network", "tunnel", "w", "81", "--listen", "x"}).code(), 2);
}

}  // namespace
}  // namespace boxlite::test
