// SPDX-License-Identifier: Apache-2.0
#include "fileserver/state/server_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fileserver/locks/held_locks.h"

namespace boxlite::fileserver {
namespace {

ServerState some_state() {
  ServerState state{.minor = 38, .features = 5, .box_uid = 1000, .box_gid = 50, .repeater = 7};
  state.told = Echoes::Echo{wire::HostChange::moved, {2, "a"}, {2, "b\xff"}};
  state.notices_sent = 4;
  state.notices_done = 3;
  state.notices_acknowledged = 1;
  state.last_node = 9;
  state.last_file = 3;
  state.devices = {1, 2};
  state.absent = {{2, "no"}};
  state.nodes = {{.id = 2,
                  .identity = {1, 2, 3, 4, 5},
                  .type = S_IFDIR,
                  .folder = "0",
                  .places = {{1, "0"}},
                  .lookups = 3,
                  .is_watched = true,
                  .known = {.size = 1},
                  .shown = {.size = 2},
                  .last_notice = 4}};
  state.files = {{.id = 3, .node = 2, .flags = 1, .whole_lock = ServerState::Range{true, 0, 9}}};
  state.owners = {{.node = 2, .owner = 4, .file = 5, .ranges = {{false, 1, 2}, {true, 3, 4}}}};
  state.waiting = {"message"};
  state.unread = "mess";
  return state;
}

TEST(ServerState, IsReadAsItWasWritten) {
  const auto state = some_state();
  const auto read = decode_server_state(encode(state));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, state);
}

TEST(ServerState, WhatIsNotWholeIsRefused) {
  const auto bytes = encode(some_state());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_server_state(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_server_state(bytes + "x"));
  auto later = bytes;
  ++later[4];
  EXPECT_FALSE(decode_server_state(later)) << "another version";
  for (auto& byte : later) byte = '\xff';
  EXPECT_FALSE(decode_server_state(later));
}

TEST(HeldLocks, AreReadFromWhatTheKernelSays) {
  const auto held = parse_held_locks(
      "pos:\t0\nflags:\t0100002\nmnt_id:\t30\n"
      "lock:\t1: FLOCK  ADVISORY  WRITE 123 00:1c:44 0 EOF\n"
      "lock:\t2: OFDLCK  ADVISORY  READ -1 00:1c:44 10 14\n"
      "lock:\t3: OFDLCK  ADVISORY  WRITE -1 00:1c:44 20 EOF\n"
      "lock:\t4: POSIX  ADVISORY  WRITE 5 00:1c:44 0 0\nlock:\n");
  ASSERT_TRUE(held.whole);
  EXPECT_TRUE(held.whole->is_exclusive);
  ASSERT_EQ(held.ranges.size(), 2u);
  EXPECT_EQ(held.ranges[0], (ServerState::Range{false, 10, 14}));
  EXPECT_EQ(held.ranges[1].start, 20u);
  EXPECT_EQ(held.ranges[1].end, 0x7fff'ffff'ffff'ffffu);
}

}  // namespace
}  // namespace boxlite::fileserver
