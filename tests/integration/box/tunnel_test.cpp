// SPDX-License-Identifier: Apache-2.0
// Streams from the host to what listens in real boxes.
#include <array>
#include <cerrno>
#include <future>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int patience_ms = 60'000;

class TunnelTest : public BoxTest {
 protected:
  // A running box with the services' program in it.
  static Box make_box(Runtime& runtime, BoxSpec spec = {}) {
    auto box = create(runtime, std::move(spec));
    const auto started = box.start();
    EXPECT_TRUE(started) << started.error().message();
    const auto copied = box.files().copy_in(BOX_SERVICE, "/service");
    EXPECT_TRUE(copied) << copied.error().message();
    return box;
  }
  // It listens when this returns.
  static Execution serve(Box& box, const std::string& mode, const std::string& place) {
    auto execution = box.exec({.command = {"/service", mode, place}});
    if (!execution) {
      ADD_FAILURE() << execution.error().message();
      std::abort();
    }
    std::array<std::byte, 16> buffer;
    const auto count = execution->read(OutputStream::stdout_, buffer);
    EXPECT_TRUE(count && *count == 6) << "it did not say that it is ready";
    return *execution;
  }
  static Tunnel open_tunnel(Box& box, const TunnelTarget& target) {
    auto tunnel = box.open_tunnel(target);
    if (!tunnel) {
      ADD_FAILURE() << tunnel.error().message();
      std::abort();
    }
    return *tunnel;
  }
};

bool is_ready(int fd, short events) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, patience_ms) > 0;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!is_ready(fd, POLLOUT)) return;
    const auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

// All until the end.
std::string receive_all(int fd) {
  std::string all;
  std::array<char, 64u << 10> buffer;
  while (is_ready(fd, POLLIN)) {
    const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ADD_FAILURE() << "no end within the time";
  return all;
}

// Says it, ends, and takes the answer.
std::string converse(const Tunnel& tunnel, std::string_view bytes) {
  std::jthread writer([&] {
    send_all(tunnel.fd(), bytes);
    ::shutdown(tunnel.fd(), SHUT_WR);
  });
  return receive_all(tunnel.fd());
}

// As much as is taken until nothing more is for a second: it stands still.
std::size_t fill(int fd) {
  const std::string piece(64u << 10, 'x');
  std::size_t sent = 0;
  pollfd entry{fd, POLLOUT, 0};
  while (::poll(&entry, 1, 1000) > 0) {
    const auto count = ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  return sent;
}

TEST_F(TunnelTest, ReachesALoopbackWithoutANetwork) {
  auto runtime = open();
  auto box = make_box(runtime, {.network = {.is_enabled = false}});
  const auto bytes = random_bytes(1u << 20);
  for (const std::string place : {"7", "6:8"}) {
    const auto service = serve(box, "gather", place);
    const auto port = static_cast<std::uint16_t>(place == "7" ? 7 : 8);
    const auto tunnel = open_tunnel(box, {.port = port});
    // It answers when it has seen our end, and we when we have seen its.
    EXPECT_TRUE(converse(tunnel, bytes) == bytes);
    EXPECT_TRUE(tunnel.wait());
  }
}

TEST_F(TunnelTest, ReachesAUnixSocketOfTheContainerOnly) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto service = serve(box, "echo", "/run/service.sock");
  run_in(box, {"sh", "-c",
               "ln -s /run/service.sock /tmp/link; ln -s ../../../../../../../run/service.sock /tmp/up"});
  const auto bytes = random_bytes(1u << 20);
  EXPECT_TRUE(converse(open_tunnel(box, {.unix_path = "/run/service.sock"}), bytes) == bytes);
  EXPECT_EQ(converse(open_tunnel(box, {.unix_path = "/tmp/link"}), "by a link"), "by a link");
  EXPECT_EQ(converse(open_tunnel(box, {.unix_path = "/tmp/up"}), "not out"), "not out");
  EXPECT_EQ(box.open_tunnel({.unix_path = "/run/none"}).error().code(), ErrorCode::not_found);
  EXPECT_EQ(box.open_tunnel({.unix_path = "/etc/passwd"}).error().code(), ErrorCode::invalid_argument);
}

TEST_F(TunnelTest, IsNoAffairOfTheNetworkPolicy) {
  auto runtime = open();
  auto box = make_box(runtime, {.network = {.deny = {"0.0.0.0/0"}}});
  const auto service = serve(box, "echo", "7");
  EXPECT_EQ(converse(open_tunnel(box, {.port = 7}), "hello"), "hello");
}

TEST_F(TunnelTest, EndsEachDirectionByItself) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto service = serve(box, "mute", "7");
  const auto tunnel = open_tunnel(box, {.port = 7});
  EXPECT_EQ(receive_all(tunnel.fd()), "");
  EXPECT_TRUE(tunnel.wait());
  // The service has ended its side; ours goes on.
  send_all(tunnel.fd(), random_bytes(1u << 20));
  ::shutdown(tunnel.fd(), SHUT_WR);
  EXPECT_TRUE(comes_true([&] { return run_in(box, {"cat", "/tmp/count"}).out == "1048576\n"; }));
}

TEST_F(TunnelTest, LivesOnInADuplicateOfItsDescriptor) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto service = serve(box, "mute", "7");
  const UniqueFd mine(::fcntl(open_tunnel(box, {.port = 7}).fd(), F_DUPFD_CLOEXEC, 3));
  EXPECT_EQ(receive_all(mine.get()), "");
  send_all(mine.get(), "12345");
  ::shutdown(mine.get(), SHUT_WR);
  EXPECT_TRUE(comes_true([&] { return run_in(box, {"cat", "/tmp/count"}).out == "5\n"; }));
}

TEST_F(TunnelTest, DeliversWhatWasWrittenBeforeItsEnd) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto service = serve(box, "mute", "7");
  {
    const auto tunnel = open_tunnel(box, {.port = 7});
    send_all(tunnel.fd(), random_bytes(100'000));
  }
  EXPECT_TRUE(comes_true([&] { return run_in(box, {"cat", "/tmp/count"}).out == "100000\n"; }));
}

TEST_F(TunnelTest, SaysWhyItCannotBe) {
  auto runtime = open();
  auto box = create(runtime);
  const auto too_early = box.open_tunnel({.port = 7});
  ASSERT_FALSE(too_early);
  EXPECT_EQ(too_early.error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(box.open_tunnel({}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(box.open_tunnel({.port = 7, .unix_path = "/run/s"}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(box.open_tunnel({.unix_path = "run/s"}).error().code(), ErrorCode::invalid_argument);
  ASSERT_TRUE(box.start());
  const auto nobody = box.open_tunnel({.port = 7});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), ErrorCode::unavailable);
  EXPECT_THAT(nobody.error().message(), HasSubstr(concat("box ", box.id(), ": port 7: nobody listens")));
  EXPECT_FALSE(nobody.error().remedy().empty());
}

TEST_F(TunnelTest, EndsWithTheBox) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto service = serve(box, "deaf", "7");
  const auto tunnel = open_tunnel(box, {.port = 7});
  auto ended = std::async(std::launch::async, [&] { return tunnel.wait(); });
  ASSERT_TRUE(box.stop({.force = true}));
  EXPECT_EQ(receive_all(tunnel.fd()), "");
  const auto how = ended.get();
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().code(), ErrorCode::stopped);
}

TEST_F(TunnelTest, ManyAreOpenAtOnce) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto tcp = serve(box, "gather", "7");
  const auto unix_socket = serve(box, "echo", "/run/service.sock");
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::async(std::launch::async, [&box, i] {
      const auto bytes = random_bytes(100'000 + static_cast<std::size_t>(i));
      const auto target =
          i % 2 == 0 ? TunnelTarget{.port = 7} : TunnelTarget{.unix_path = "/run/service.sock"};
      const auto tunnel = box.open_tunnel(target);
      return tunnel && converse(*tunnel, bytes) == bytes && tunnel->wait();
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

TEST_F(TunnelTest, OneThatStandsStillSlowsNoOther) {
  auto runtime = open();
  auto box = make_box(runtime);
  const auto deaf = serve(box, "deaf", "7");
  const auto flood = serve(box, "flood", "8");
  const auto echo = serve(box, "echo", "9");
  const auto unread = open_tunnel(box, {.port = 8});
  const auto untaken = open_tunnel(box, {.port = 7});
  EXPECT_GT(fill(untaken.fd()), 256u << 10);
  const auto bytes = random_bytes(1u << 20);
  EXPECT_TRUE(converse(open_tunnel(box, {.port = 9}), bytes) == bytes);
  EXPECT_EQ(run_in(box, {"echo", "commands too"}).out, "commands too\n");
  // And what stood still goes on.
  std::string some(4u << 20, '\0');
  std::size_t got = 0;
  while (got < some.size() && is_ready(unread.fd(), POLLIN)) {
    const auto count = ::recv(unread.fd(), some.data() + got, some.size() - got, 0);
    ASSERT_GT(count, 0);
    got += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(some.find_first_not_of('f'), std::string::npos);
}

}  // namespace
}  // namespace boxlite::test
