// SPDX-License-Identifier: Apache-2.0
// The agent's side of tunnels, against services of this process: the channel's other end is the test's.
#include "agent/tunnels/tunnels.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/concat.h"
#include "base/files.h"
#include "wire/file_data.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

using testing::HasSubstr;

constexpr std::chrono::seconds patience(20);

// What has come on one stream.
struct Heard {
  bool connected = false;
  std::string bytes;
  bool ended = false;
  std::size_t unreturned = 0;  // payload bytes that no window was given for
  std::uint32_t window = wire::initial_credit;
  std::optional<Result<void>> answer;
  bool was_reset = false;
};

class TunnelsTest : public testing::Test, public Channel::Listener {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    host_.reset(ends[1]);
    channel_ = *Channel::open(*loop_, UniqueFd(ends[0]), *this);
    root_ = *open_file("/", O_PATH | O_DIRECTORY);
    tunnels_ = std::make_unique<Tunnels>(*loop_, *channel_, root_.get(), host_sockets_);
  }
  void TearDown() override { tunnels_->on_disconnect(); }

  // As Agent does.
  void on_frame(const wire::Frame& frame) override {
    const auto stream = frame.header.stream;
    if (frame.header.type == wire::FrameType::request) {
      const auto request = wire::parse<wire::msg::Request>(frame.payload);
      const auto started = tunnels_->start(stream, *request);
      if (!started) wire::write_error(channel_->out(), stream, started.error());
    } else if (frame.header.type == wire::FrameType::data) {
      tunnels_->on_data(stream, frame.payload);
    } else if (frame.header.type == wire::FrameType::window) {
      tunnels_->on_window(stream, *wire::decode_window(frame.payload));
    } else {
      tunnels_->on_reset(stream);
    }
  }
  void on_drained() override { tunnels_->on_drained(); }
  void on_disconnect() override { tunnels_->on_disconnect(); }

  // The host's side: everything that waits goes out, everything that came is noted.
  void exchange() {
    while (!out_.empty()) {
      const auto pending = out_.pending();
      const auto count = ::send(host_.get(), pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count <= 0) break;
      out_.consume(static_cast<std::size_t>(count));
    }
    while (true) {
      const auto room = reader_.prepare();
      const auto count = ::recv(host_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (count <= 0) return;
      reader_.commit(static_cast<std::size_t>(count));
      while (const auto frame = *reader_.next()) note(*frame);
    }
  }
  void note(const wire::Frame& frame) {
    auto& heard = heard_[frame.header.stream];
    switch (frame.header.type) {
      case wire::FrameType::data: {
        const auto message = wire::parse<wire::msg::TunnelData>(frame.payload);
        heard.connected = heard.connected || message->connected();
        heard.ended = heard.ended || message->end();
        heard.bytes += message->data();
        heard.unreturned += frame.payload.size();
        break;
      }
      case wire::FrameType::window: heard.window += *wire::decode_window(frame.payload); break;
      case wire::FrameType::reset: heard.was_reset = true; break;
      default: {
        const auto answer = wire::parse_response<wire::TunnelsConnect>(frame.payload);
        heard.answer = answer ? Result<void>() : Result<void>(std::unexpected(answer.error()));
      }
    }
  }
  // Both sides work until it is so.
  bool run(const std::function<bool()>& is_so, std::chrono::milliseconds limit = patience) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (true) {
      exchange();
      if (is_so()) return true;
      if (std::chrono::steady_clock::now() >= end) return false;
      (void)loop_->run_once(Deadline::after(std::chrono::milliseconds(5)));
    }
  }

  void open(std::uint32_t stream, const wire::msg::TunnelRequest& request) {
    ASSERT_TRUE(wire::write_request<wire::TunnelsConnect>(out_, stream, request));
  }
  void open_port(std::uint32_t stream, std::uint16_t port) {
    wire::msg::TunnelRequest request;
    request.set_port(port);
    open(stream, request);
  }
  void open_path(std::uint32_t stream, const std::string& path) {
    wire::msg::TunnelRequest request;
    request.set_unix_path(path);
    open(stream, request);
  }
  void say(std::uint32_t stream, std::string_view bytes, bool is_last = false) {
    wire::msg::TunnelData data;
    data.set_data(std::string(bytes));
    data.set_end(is_last);
    const auto size = wire::write_data(out_, stream, data);
    heard_[stream].window -= *size;
  }
  void return_credit(std::uint32_t stream) {
    auto& heard = heard_[stream];
    if (heard.unreturned == 0) return;
    out_.window(stream, static_cast<std::uint32_t>(heard.unreturned));
    heard.unreturned = 0;
  }
  Error refusal(std::uint32_t stream) {
    EXPECT_TRUE(run([&] { return heard_[stream].answer.has_value(); }));
    if (!heard_[stream].answer || *heard_[stream].answer)
      return Error(ErrorCode::internal, "it was accepted");
    return heard_[stream].answer->error();
  }

  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  UniqueFd host_;
  UniqueFd root_;
  HostSockets host_sockets_{*loop_};
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Tunnels> tunnels_;
  wire::FrameWriter out_;
  wire::FrameReader reader_;
  std::map<std::uint32_t, Heard> heard_;
};

// A listening socket on a loopback.
class Service {
 public:
  explicit Service(int family, int backlog = 16) {
    socket_.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_storage place = {};
    socklen_t size = 0;
    if (family == AF_INET) {
      auto& address = reinterpret_cast<sockaddr_in&>(place);
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      size = sizeof address;
    } else {
      auto& address = reinterpret_cast<sockaddr_in6&>(place);
      address.sin6_family = AF_INET6;
      address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
      size = sizeof address;
    }
    auto* const generic = reinterpret_cast<sockaddr*>(&place);
    is_there_ = ::bind(socket_.get(), generic, size) == 0 && ::listen(socket_.get(), backlog) == 0 &&
                ::getsockname(socket_.get(), generic, &size) == 0;
    port_ = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(place).sin_port
                                    : reinterpret_cast<sockaddr_in6&>(place).sin6_port);
  }
  bool is_there() const { return is_there_; }
  std::uint16_t port() const { return port_; }
  UniqueFd accept() const {
    return UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }

 private:
  UniqueFd socket_;
  bool is_there_ = false;
  std::uint16_t port_ = 0;
};

std::string read_some(int fd) {
  std::string bytes(64u << 10, '\0');
  const auto count = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return bytes;
}

bool has_ended(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

TEST_F(TunnelsTest, CarriesBytesBothWaysAndBothEnds) {
  const Service service(AF_INET);
  open_port(1, service.port());
  say(1, "hello");  // before it is connected
  ASSERT_TRUE(run([&] { return heard_[1].connected; }));
  const auto socket = service.accept();
  std::string got;
  ASSERT_TRUE(run([&] { return (got += read_some(socket.get())) == "hello"; }));
  say(1, "", true);
  EXPECT_TRUE(run([&] { return has_ended(socket.get()); })) << "a half-closed connection";
  EXPECT_EQ(::send(socket.get(), "still there", 11, MSG_NOSIGNAL), 11);
  ASSERT_TRUE(run([&] { return heard_[1].bytes == "still there"; }));
  EXPECT_FALSE(heard_[1].answer);
  ::shutdown(socket.get(), SHUT_WR);
  ASSERT_TRUE(run([&] { return heard_[1].answer.has_value(); }));
  EXPECT_TRUE(heard_[1].ended);
  EXPECT_TRUE(*heard_[1].answer);
  EXPECT_FALSE(tunnels_->has_stream(1));
}

TEST_F(TunnelsTest, TriesTheOtherLoopback) {
  const Service service(AF_INET6);
  if (!service.is_there()) GTEST_SKIP() << "no IPv6 here";
  open_port(1, service.port());
  EXPECT_TRUE(run([&] { return heard_[1].connected; }));
}

TEST_F(TunnelsTest, ConnectsToAUnixSocketBelowItsRoot) {
  const auto directory = *TempDir::create(testing::TempDir(), "tunnel-");
  std::filesystem::create_directories(directory.path() / "root/run");
  std::filesystem::create_symlink("/run/s", directory.path() / "root/link");
  std::filesystem::create_symlink("../../../../outside", directory.path() / "root/out");
  const auto listen_at = [](const std::filesystem::path& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.native(), address.sun_path);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 16), 0);
    return socket;
  };
  auto inside = listen_at(directory.path() / "root/run/s");
  const auto outside = listen_at(directory.path() / "outside");
  root_ = *open_file(directory.path() / "root", O_PATH | O_DIRECTORY);
  tunnels_ = std::make_unique<Tunnels>(*loop_, *channel_, root_.get(), host_sockets_);

  open_path(1, "/run/s");
  open_path(3, "/link");
  EXPECT_TRUE(run([&] { return heard_[1].connected && heard_[3].connected; }));
  open_path(5, "/out");
  EXPECT_EQ(refusal(5).code(), ErrorCode::not_found) << "its root is its world";
  open_path(7, "/run");
  EXPECT_THAT(refusal(7).message(), HasSubstr("\"/run\": it is not a socket"));
  inside.reset();
  open_path(9, "/run/s");
  EXPECT_EQ(refusal(9).code(), ErrorCode::unavailable);
}

TEST_F(TunnelsTest, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    port = Service(AF_INET).port();
  }
  open_port(1, port);
  const auto error = refusal(1);
  EXPECT_EQ(error.code(), ErrorCode::unavailable);
  EXPECT_EQ(error.message(), concat("port ", port, ": nobody listens at 127.0.0.1 or ::1 of the box"));
  EXPECT_FALSE(error.remedy().empty());
}

TEST_F(TunnelsTest, RefusesWhatNamesNothing) {
  std::uint32_t stream = 1;
  wire::msg::TunnelRequest both;
  both.set_port(80);
  both.set_unix_path("/run/s");
  wire::msg::TunnelRequest high;
  high.set_port(65536);
  wire::msg::TunnelRequest relative;
  relative.set_unix_path("run/s");
  wire::msg::TunnelRequest cut;
  cut.set_unix_path(std::string("/run\0/s", 7));
  wire::msg::TunnelRequest endless;
  endless.set_unix_path("/" + std::string(5000, 'x'));
  for (const auto& request : {wire::msg::TunnelRequest(), both, high, relative, cut, endless}) {
    open(stream, request);
    EXPECT_EQ(refusal(stream).code(), ErrorCode::invalid_argument);
    EXPECT_FALSE(tunnels_->has_stream(stream));
    stream += 2;
  }
}

TEST_F(TunnelsTest, HoldsBackWhatTheServiceDoesNotRead) {
  const Service service(AF_INET);
  open_port(1, service.port());
  ASSERT_TRUE(run([&] { return heard_[1].connected; }));
  const auto socket = service.accept();
  // As much as anybody takes.
  const std::string piece(60'000, 'x');
  std::size_t sent = 0;
  const auto send_all = [&] {
    while (heard_[1].window >= piece.size() + 16) {
      say(1, piece);
      sent += piece.size();
    }
    return false;
  };
  while (true) {
    const auto before = sent;
    run(send_all, std::chrono::milliseconds(200));
    if (sent == before) break;
    ASSERT_LT(sent, std::size_t{64} << 20);
  }
  // Another one does not notice.
  const Service other(AF_INET);
  open_port(3, other.port());
  ASSERT_TRUE(run([&] { return heard_[3].connected; }));
  say(3, "quick", true);
  const auto quick = other.accept();
  std::string got;
  EXPECT_TRUE(run([&] { return (got += read_some(quick.get())) == "quick"; }));
  // All of it is there, once somebody reads.
  std::size_t received = 0;
  EXPECT_TRUE(run([&] {
    for (auto bytes = read_some(socket.get()); !bytes.empty(); bytes = read_some(socket.get()))
      received += bytes.size();
    return received == sent;
  }));
}

TEST_F(TunnelsTest, SendsNoMoreThanTheClientTakes) {
  const Service service(AF_INET);
  open_port(1, service.port());
  ASSERT_TRUE(run([&] { return heard_[1].connected; }));
  const auto socket = service.accept();
  std::string text(1u << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  std::size_t written = 0;
  const auto feed = [&] {
    const auto count =
        ::send(socket.get(), text.data() + written, text.size() - written, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) written += static_cast<std::size_t>(count);
    if (written == text.size()) ::shutdown(socket.get(), SHUT_WR);
  };
  EXPECT_TRUE(run([&] { return feed(), heard_[1].unreturned > wire::initial_credit - 4096; }));
  for (int i = 0; i < 3; ++i) run([&] { return feed(), false; }, std::chrono::milliseconds(1));
  EXPECT_LE(heard_[1].unreturned, wire::initial_credit);
  EXPECT_TRUE(run([&] { return feed(), return_credit(1), heard_[1].ended; }));
  EXPECT_TRUE(heard_[1].bytes == text);
}

TEST_F(TunnelsTest, GivesTheLastWordsOfAServiceThatTakesNoMore) {
  const Service service(AF_INET);
  open_port(1, service.port());
  ASSERT_TRUE(run([&] { return heard_[1].connected; }));
  auto socket = service.accept();
  EXPECT_EQ(::send(socket.get(), "bye", 3, MSG_NOSIGNAL), 3);
  socket.reset();
  EXPECT_TRUE(run([&] { return heard_[1].ended; }));
  EXPECT_EQ(heard_[1].bytes, "bye");
  // The first piece is answered by the kernel's reset, the next one fails.
  EXPECT_TRUE(run([&] {
    if (heard_[1].window > 64 && !heard_[1].answer) say(1, "x");
    return heard_[1].answer.has_value();
  }));
  EXPECT_TRUE(*heard_[1].answer);
}

TEST_F(TunnelsTest, TellsAServiceThatItsClientWasLost) {
  const Service service(AF_INET);
  open_port(1, service.port());
  ASSERT_TRUE(run([&] { return heard_[1].connected; }));
  const auto socket = service.accept();
  say(1, "half an up");
  std::string got;
  ASSERT_TRUE(run([&] { return (got += read_some(socket.get())) == "half an up"; }));
  out_.reset(1);
  EXPECT_TRUE(run([&] {
    char byte = 0;
    return ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNRESET;
  }));
  EXPECT_FALSE(tunnels_->has_stream(1));
}

TEST_F(TunnelsTest, ResetsAClientThatBreaksTheProtocol) {
  const Service service(AF_INET);
  open_port(1, service.port());
  open_port(3, service.port());
  open_port(5, service.port());
  ASSERT_TRUE(run([&] { return heard_[1].connected && heard_[3].connected && heard_[5].connected; }));
  out_.data(1, "\xff\xff\xff");
  say(3, "", true);
  say(3, "more");
  out_.window(5, wire::max_credit);
  EXPECT_TRUE(run([&] { return heard_[1].was_reset && heard_[3].was_reset && heard_[5].was_reset; }));
}

TEST_F(TunnelsTest, HasALimit) {
  const Service service(AF_INET, 512);
  for (std::uint32_t i = 0; i < Tunnels::most; ++i) open_port(1 + 2 * i, service.port());
  const std::uint32_t beyond = 1 + 2 * static_cast<std::uint32_t>(Tunnels::most);
  open_port(beyond, service.port());
  EXPECT_EQ(refusal(beyond).code(), ErrorCode::resource_exhausted);
  EXPECT_TRUE(run([&] { return heard_[beyond - 2].connected; }));
  out_.reset(1);
  open_port(beyond + 2, service.port());
  EXPECT_TRUE(run([&] { return heard_[beyond + 2].connected; }));
}

}  // namespace
}  // namespace boxlite::agent
