// SPDX-License-Identifier: Apache-2.0
#include "net/link/link.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/sockets/unix_socket.h"
#include "net/link/token_bucket.h"

namespace boxlite::net {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;

class LinkTest : public testing::Test {
 protected:
  LinkTest() : loop_(*linux_::EventLoop::create()) {
    auto pair = *linux_::unix_socket_pair();
    machine_ = std::move(pair.first);
    EXPECT_TRUE(linux_::set_non_blocking(machine_.get()));
    link_ = *Link::create(
        *loop_, std::move(pair.second),
        {.on_frame = [this](FrameBytes frame) { frames_.emplace_back(frame.begin(), frame.end()); },
         .on_relief = [this] { ++reliefs_; }});
  }
  void write(const std::string& bytes) {
    ASSERT_EQ(::send(machine_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void turn(milliseconds limit = milliseconds(20)) { (void)loop_->run_once(Deadline::after(limit)); }
  std::string read() {
    std::string bytes(1 << 20, '\0');
    const auto count = ::recv(machine_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  bool is_cut() {
    char byte = 0;
    return ::recv(machine_.get(), &byte, 1, 0) == 0;
  }
  void send(std::size_t size) { link_->send(std::vector<std::uint8_t>(size)); }

  std::unique_ptr<linux_::EventLoop> loop_;
  UniqueFd machine_;
  std::vector<std::string> frames_;
  int reliefs_ = 0;
  std::unique_ptr<Link> link_;
};

TEST_F(LinkTest, CutsFramesOutOfTheStreamWhereverItIsCut) {
  const auto two = "\0\0\0\3abc\0\0\0\1d"s;
  for (const char byte : two) write(std::string(1, byte));
  write(two);
  EXPECT_THAT(frames_, testing::ElementsAre("abc", "d", "abc", "d"));
}

TEST_F(LinkTest, IsCutWhenAFrameIsEmptyOrTooLong) {
  write("\0\0\0\0"s);
  EXPECT_TRUE(is_cut());
}

TEST_F(LinkTest, IsCutWhenALengthIsHuge) {
  write("\xff\xff\xff\xff"s);
  EXPECT_TRUE(is_cut());
  send(10);  // nobody minds
}

TEST_F(LinkTest, PutsTheLengthBeforeWhatItSends) {
  link_->send(std::vector<std::uint8_t>{'h', 'i'});
  turn();
  EXPECT_EQ(read(), "\0\0\0\2hi"s);
}

TEST_F(LinkTest, IsCongestedWhileTheMachineTakesNothingAndThenReadsNothingOfIt) {
  for (int i = 0; i < 200; ++i) send(60'000);
  EXPECT_TRUE(link_->is_congested());
  turn();
  write("\0\0\0\1x"s);
  EXPECT_THAT(frames_, testing::IsEmpty());
  std::size_t taken = 0;
  for (int i = 0; i < 2000 && reliefs_ == 0; ++i) {
    taken += read().size();
    turn();
  }
  EXPECT_EQ(reliefs_, 1);
  for (int i = 0; i < 2000 && frames_.empty(); ++i) {
    taken += read().size();
    turn();
  }
  EXPECT_THAT(frames_, testing::ElementsAre("x"));
  EXPECT_LE(taken, Link::hard_limit) << "the rest was dropped";
}

TEST(TokenBucket, LetsABurstPassAndThenTheRate) {
  TokenBucket bucket;
  const TokenBucket::Clock::time_point start{};
  EXPECT_EQ(bucket.pause(start), milliseconds(0)) << "no limit";
  bucket.set_rate(1'000'000, start);
  EXPECT_EQ(bucket.pause(start), milliseconds(0));
  bucket.take(200'000);  // 100,000 are there
  const auto pause = bucket.pause(start);
  EXPECT_GE(pause, milliseconds(100));
  EXPECT_LE(pause, milliseconds(101));
  EXPECT_GT(bucket.pause(start + milliseconds(50)), milliseconds(0));
  EXPECT_EQ(bucket.pause(start + milliseconds(102)), milliseconds(0));
}

}  // namespace
}  // namespace boxlite::net
