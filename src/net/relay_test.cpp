// SPDX-License-Identifier: Apache-2.0
#include "net/relay.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/sockets/unix_socket.h"

namespace boxlite::net {
namespace {

// A client over TCP, whose connection is led to a unix socket, as a published port leads it to slirp's.
class RelayTest : public testing::Test {
 protected:
  RelayTest() : loop_(*linux_::EventLoop::create()) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener.get(), plain, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), plain, &size), 0);
    client_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client_.get(), plain, size), 0);
    UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    auto pair = *linux_::unix_socket_pair();
    EXPECT_TRUE(linux_::set_non_blocking(pair.second.get()));
    server_ = std::move(pair.first);
    relay_ = *Relay::create(*loop_, std::move(accepted), std::move(pair.second), [this] { relay_.reset(); });
  }
  void turn() { (void)loop_->run_once(Deadline::after(std::chrono::seconds(5))); }
  // What comes next at an end; "" at its end, "reset" when it broke.
  static std::string next(const UniqueFd& end) {
    std::string bytes(100, '\0');
    const auto count = ::recv(end.get(), bytes.data(), bytes.size(), 0);
    if (count < 0) return errno == ECONNRESET ? "reset" : "error";
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }
  static void send(const UniqueFd& end, std::string_view bytes) {
    EXPECT_EQ(::send(end.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

  std::unique_ptr<linux_::EventLoop> loop_;
  UniqueFd client_;
  UniqueFd server_;
  std::unique_ptr<Relay> relay_;
};

TEST_F(RelayTest, ARefusedConnectionIsReset) {
  server_.reset();
  turn();
  EXPECT_FALSE(relay_);
  EXPECT_EQ(next(client_), "reset");
}

TEST_F(RelayTest, AnEndIsPassedOnAndTheOtherWayStaysOpen) {
  ::shutdown(server_.get(), SHUT_WR);
  turn();
  EXPECT_EQ(next(client_), "");
  send(client_, "still here");
  turn();
  EXPECT_EQ(next(server_), "still here");
  EXPECT_TRUE(relay_);
}

TEST_F(RelayTest, WhatWasSaidBeforeTheEndArrives) {
  send(server_, "bye");
  turn();
  server_.reset();
  turn();
  EXPECT_EQ(next(client_), "bye");
  EXPECT_EQ(next(client_), "");
}

}  // namespace
}  // namespace boxlite::net
