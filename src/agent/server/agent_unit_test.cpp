// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "agent/container/accounts.h"
#include "agent/exec/output_ring.h"
#include "agent/exec/program_search.h"
#include "agent/server/channel.h"

namespace boxlite::agent {
namespace {

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "bad:x:notanumber:1::/:\n"
    "web:x:33:33:web:/var/www:/bin/sh\n"
    "twin:x:33:44::/twin:\n"
    "1000:x:7:7::/odd:\n"
    "nohome:x:50:50";
constexpr std::string_view group =
    "root:x:0:\nweb:x:33:\nsudo:x:27:web,other\nlogs:x:4:other,web\nweb2:x:5:webber\nten:x:10:web,web\n";

Account resolve(std::string_view user) {
  auto account = resolve_user(user, passwd, group);
  EXPECT_TRUE(account) << account.error().message();
  return account.value_or(Account{});
}

TEST(ResolveUser, FollowsDockersRules) {
  EXPECT_EQ(resolve("").uid, 0u);
  EXPECT_EQ(resolve("").home, "/root");
  EXPECT_EQ(resolve("web").uid, 33u);
  EXPECT_EQ(resolve("web").gid, 33u);
  EXPECT_EQ(resolve("web").home, "/var/www");
  EXPECT_EQ(resolve("web").groups, (std::vector<std::uint32_t>{27, 4, 10}));
  EXPECT_EQ(resolve("33").groups.size(), 3u) << "a number with an entry is that user";
  EXPECT_EQ(resolve("33:").gid, 33u);
  EXPECT_EQ(resolve("web:27").gid, 27u);
  EXPECT_TRUE(resolve("web:27").groups.empty());
  EXPECT_EQ(resolve("web:logs").gid, 4u);
  EXPECT_EQ(resolve("12345").uid, 12345u);
  EXPECT_EQ(resolve("12345").gid, 0u);
  EXPECT_EQ(resolve("12345").home, "/");
  EXPECT_EQ(resolve("12345:678").gid, 678u);
  EXPECT_EQ(resolve("1000").uid, 7u) << "a name of digits is a name first";
  EXPECT_EQ(resolve("nohome").home, "/");
  EXPECT_EQ(resolve(":27").gid, 27u);
}

TEST(ResolveUser, RefusesNamesThatAreNotThereAndNumbersOutOfRange) {
  for (const std::string_view user : {"nobody", "bad", "web:none", "4294967296", "2147483648",
                                      "web:2147483648", "-1", "0x1", "broken line"}) {
    const auto account = resolve_user(user, passwd, group);
    ASSERT_FALSE(account) << user;
    EXPECT_EQ(account.error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(resolve_user("", "", "")->uid, 0u) << "an image without passwd still has root";
}

TEST(ProgramCandidates, LooksInAbsoluteDirectoriesOnly) {
  EXPECT_EQ(program_candidates("ls", "/a:.::b:/c/"), (std::vector<std::string>{"/a/ls", "/c//ls"}));
  EXPECT_EQ(program_candidates("./ls", "/a"), (std::vector<std::string>{"./ls"}));
  EXPECT_TRUE(program_candidates("", "/a").empty());
}

TEST(InterpreterOf, ReadsScriptsAndElf) {
  EXPECT_EQ(interpreter_of("#! /bin/bash -e\necho"), "/bin/bash");
  EXPECT_EQ(interpreter_of("#!/bin/sh"), "/bin/sh");
  EXPECT_EQ(interpreter_of("#!\n"), "");
  EXPECT_EQ(interpreter_of("text"), "");
  std::ifstream self("/proc/self/exe", std::ios::binary);
  std::string head(4096, '\0');
  self.read(head.data(), static_cast<std::streamsize>(head.size()));
  EXPECT_NE(interpreter_of(head).find("ld-linux"), std::string::npos);
  EXPECT_EQ(interpreter_of(std::string_view(head).substr(0, 70)), "");
}

class RingTest : public ::testing::Test {
 protected:
  // Writes as much of `text` as fits without losing bytes from `keep_from` on; returns how much that was.
  std::size_t write(std::string_view text, std::uint64_t keep_from) {
    std::size_t written = 0;
    while (written < text.size()) {
      const auto room = ring_.writable(keep_from);
      if (room.empty()) break;
      const std::size_t count = std::min(room.size(), text.size() - written);
      std::copy_n(text.data() + written, count, room.data());
      ring_.commit(count);
      written += count;
    }
    return written;
  }
  std::string read_all(std::uint64_t offset) const {
    std::string text;
    while (offset < ring_.end()) {
      const auto piece = ring_.read(offset);
      text += piece;
      offset += piece.size();
    }
    return text;
  }
  OutputRing ring_;
};

TEST_F(RingTest, KeepsTheLastBytesOfALongStream) {
  std::mt19937 random(7);
  std::string all;
  for (int i = 0; i < 300; ++i) {
    std::string piece(random() % 9000, static_cast<char>('a' + i % 26));
    all += piece;
    EXPECT_EQ(write(piece, ~0ull), piece.size());
  }
  EXPECT_EQ(ring_.end(), all.size());
  EXPECT_EQ(ring_.end() - ring_.begin(), OutputRing::ring_capacity);
  EXPECT_EQ(read_all(ring_.begin()), all.substr(all.size() - OutputRing::ring_capacity));
  ring_.shrink();
  EXPECT_EQ(read_all(ring_.begin()), all.substr(all.size() - OutputRing::ring_capacity));
}

TEST_F(RingTest, NeverOverwritesWhatIsKept) {
  const std::string block(OutputRing::ring_capacity, 'x');
  EXPECT_EQ(write("0123456789", 0), 10u);
  EXPECT_EQ(write(block, 4), OutputRing::ring_capacity - 6);
  EXPECT_TRUE(ring_.writable(4).empty());
  EXPECT_EQ(ring_.writable(5).size(), 1u);
  EXPECT_EQ(read_all(4).substr(0, 6), "456789");
}

TEST_F(RingTest, TakesLittleMemoryForLittleText) {
  write("hello", 0);
  EXPECT_LE(ring_.memory(), 4096u);
  ring_.shrink();
  EXPECT_LE(ring_.memory(), 64u);
  EXPECT_EQ(read_all(0), "hello");
  write(" again", 0);
  EXPECT_EQ(read_all(0), "hello again");
}

class ChannelTest : public ::testing::Test, public Channel::Listener {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    const int size = 4 << 20;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    peer_.reset(ends[1]);
    channel_ = *Channel::open(*loop_, UniqueFd(ends[0]), *this);
  }
  void on_frame(const wire::Frame&) override { ++frames_; }
  void on_drained() override { ++drained_; }
  void on_disconnect() override { ++disconnected_; }
  void run_once() { EXPECT_TRUE(*loop_->run_once(Deadline::after(std::chrono::seconds(5)))); }
  void send(std::string_view bytes) {
    EXPECT_EQ(::write(peer_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  UniqueFd peer_;
  std::unique_ptr<Channel> channel_;
  int frames_ = 0;
  int drained_ = 0;
  int disconnected_ = 0;
};

TEST_F(ChannelTest, TellsOfRoomAfterEveryCongestionHoweverFastItWent) {
  const std::string bytes(60'000, 'x');
  while (!channel_->is_congested()) channel_->out().data(1, bytes);
  std::string sink(1u << 20, ' ');
  while (drained_ == 0) {
    run_once();
    while (::read(peer_.get(), sink.data(), sink.size()) > 0) {
    }
  }
  EXPECT_EQ(drained_, 1);
  EXPECT_FALSE(channel_->is_congested());
}

TEST_F(ChannelTest, SurvivesNonsenseAndAHostThatGoesAway) {
  send(std::string("\0\0\0\0\0\0\0\0\0\0", 10));
  run_once();
  EXPECT_EQ(disconnected_, 1);
  // The next host starts with a clean frame.
  send(std::string("\0\0\0\0\0\0\0\1\5\0", 10));
  while (frames_ == 0) run_once();
  peer_.reset();
  run_once();
  EXPECT_EQ(disconnected_, 2);
}

}  // namespace
}  // namespace boxlite::agent
