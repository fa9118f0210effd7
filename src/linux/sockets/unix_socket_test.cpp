// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::linux_ {
namespace {

Deadline soon() {
  return Deadline::after(std::chrono::seconds(5));
}

TEST(UnixSocket, WorksAtAPathLongerThanTheAddress) {
  const auto dir = TempDir::create(testing::TempDir(), "socket-");
  ASSERT_TRUE(dir);
  const auto deep = dir->path() / std::string(200, 'd');
  ASSERT_TRUE(make_directories(deep));
  const auto listener = listen_unix(deep / "agent.sock");
  ASSERT_TRUE(listener) << listener.error().message();
  const auto client = connect_unix(deep / "agent.sock", soon());
  ASSERT_TRUE(client) << client.error().message();
  const auto server = accept_unix(listener->get());
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_EQ(::send(client->get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(::recv(server->get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
  const auto peer = peer_credentials(server->get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
}

TEST(UnixSocket, IsForThisUserOnlyAndReplacesWhatWasLeft) {
  const auto dir = TempDir::create(testing::TempDir(), "socket-");
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "s";
  ASSERT_TRUE(listen_unix(path));
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  const auto stale = connect_unix(path, soon());
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), ErrorCode::unavailable);
  const auto listener = listen_unix(path);
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_TRUE(connect_unix(path, soon()));
  EXPECT_EQ(connect_unix(dir->path() / "none", soon()).error().code(), ErrorCode::not_found);
}

TEST(UnixSocket, RefusesANameThatCannotFit) {
  const auto dir = TempDir::create(testing::TempDir(), "socket-");
  const auto result = listen_unix(dir->path() / std::string(150, 'n'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::invalid_argument);
}

TEST(UnixSocket, SaysWhenNobodyWaits) {
  const auto dir = TempDir::create(testing::TempDir(), "socket-");
  const auto listener = listen_unix(dir->path() / "s");
  ASSERT_TRUE(listener);
  EXPECT_EQ(accept_unix(listener->get()).error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace boxlite::linux_
