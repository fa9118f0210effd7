// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/fd_passing.h"

#include <array>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/sockets/unix_socket.h"

namespace boxlite::linux_ {
namespace {

bool is_close_on_exec(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

Result<std::size_t> send_one(int socket_fd, std::string_view bytes, int fd) {
  return send_with_fds(socket_fd, bytes, {&fd, 1}, WhenFull::give_up);
}

TEST(FdPassing, ACopyOfTheDescriptorComesWithTheBytes) {
  auto sockets = *unix_socket_pair();
  auto pipe = *unix_socket_pair();
  ASSERT_EQ(send_one(sockets.first.get(), "hello", pipe.first.get()).value_or(0), 5u);
  pipe.first.reset();

  auto part = receive_with_fd(sockets.second.get());
  ASSERT_TRUE(part) << part.error().message();
  EXPECT_EQ(part->bytes, "hello");
  ASSERT_TRUE(part->fd.is_open());
  EXPECT_TRUE(is_close_on_exec(part->fd.get()));
  ASSERT_EQ(::write(part->fd.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(pipe.second.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST(FdPassing, NothingThereAndAClosedEndAreToldApart) {
  auto sockets = *unix_socket_pair();
  auto nothing = receive_with_fd(sockets.second.get());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code(), ErrorCode::unavailable);
  sockets.first.reset();
  auto end = receive_with_fd(sockets.second.get());
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->bytes.empty());
}

TEST(FdPassing, NobodyReads) {
  auto sockets = *unix_socket_pair();
  sockets.second.reset();
  const auto sent = send_one(sockets.first.get(), "x", 0);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), ErrorCode::unavailable);
}

TEST(FdPassing, AFullSocketIsWaitedForOrNot) {
  auto sockets = *unix_socket_pair();
  const std::string much(1u << 20, 'x');
  while (send_with_fds(sockets.first.get(), much, {}, WhenFull::give_up)) {
  }
  EXPECT_EQ(send_one(sockets.first.get(), "x", 0).error().code(), ErrorCode::unavailable);
  std::jthread reader([&] {
    while (receive_with_fd(sockets.second.get())) {
    }
  });
  EXPECT_TRUE(send_with_fds(sockets.first.get(), "x", {}, WhenFull::wait));
}

TEST(FdPassing, NoMoreThanFour) {
  const auto sockets = *unix_socket_pair();
  const std::array<int, 5> fds{};
  EXPECT_EQ(send_with_fds(sockets.first.get(), "x", fds, WhenFull::give_up).error().code(),
            ErrorCode::invalid_argument);
}

// Four at most are taken; none that came may stay open unseen.
TEST(FdPassing, SurplusDescriptorsAreClosed) {
  auto sockets = *unix_socket_pair();
  auto pipe = *unix_socket_pair();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send_one(sockets.first.get(), "x", pipe.first.get()));
  pipe.first.reset();
  while (receive_with_fd(sockets.second.get())) {
  }
  char byte = 0;
  EXPECT_EQ(::recv(pipe.second.get(), &byte, 1, MSG_DONTWAIT), 0) << "a copy is still open";
}

}  // namespace
}  // namespace boxlite::linux_
