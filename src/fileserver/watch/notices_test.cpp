// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/notices.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include "fuse/messages.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::fileserver {
namespace {

class NoticesTest : public ::testing::Test {
 protected:
  NoticesTest() {
    auto ends = *linux_::unix_socket_pair();
    guest_ = std::move(ends.second);
    channel_.emplace(std::move(ends.first));
    notices_.emplace(*channel_, [this] { notices_->forget_name(1, "lost"); });
  }
  void say_that_it_acknowledges() { notices_->done(0); }

  // How many have come by now.
  std::uint64_t take() {
    std::array<char, 1 << 16> bytes{};
    std::uint64_t count = 0;
    fuse::MessageReader reader(sizeof(fuse_out_header));
    while (::recv(guest_.get(), bytes.data(), 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
      EXPECT_TRUE(reader.fill(guest_.get()).value());
      while (const auto message = reader.next()) {
        ++count;
        last_ = *message;
      }
    }
    return count;
  }

  // In steps, as a socket does not hold many.
  void forget_files(std::uint64_t count) {
    for (std::uint64_t node = 1; node <= count; ++node) {
      notices_->forget_file(node);
      if (node % 64 == 0) came_ += take();
    }
    came_ += take();
  }
  // Until nothing comes any more.
  void do_all() {
    for (std::uint64_t done = 0; done < came_; came_ += take()) {
      const auto step = std::min<std::uint64_t>(64, came_ - done);
      notices_->done(step);
      done += step;
    }
  }

  UniqueFd guest_;
  std::optional<Channel> channel_;
  std::optional<Notices> notices_;
  std::uint64_t came_ = 0;
  std::string last_;
};

// A guest that is slower than the host has no more of them than it has room for.
TEST_F(NoticesTest, FewAreUnderWayAndEachWaitsOnce) {
  say_that_it_acknowledges();
  for (int round = 0; round < 100; ++round) forget_files(3000);
  EXPECT_EQ(came_, 64u);
  const auto last = notices_->forget_file(7);
  EXPECT_FALSE(notices_->is_done(last));
  do_all();
  EXPECT_EQ(came_, 64u + 3000u);
  EXPECT_TRUE(notices_->is_done(last));
}

TEST_F(NoticesTest, WhatIsTooMuchIsLookedAtAnewLater) {
  say_that_it_acknowledges();
  forget_files(100'000);
  const auto number = notices_->forget_name(1, "one");
  EXPECT_EQ(came_, 64u);
  EXPECT_FALSE(notices_->is_done(number));
  do_all();
  EXPECT_EQ(came_, 65u);
  EXPECT_NE(last_.find("lost"), std::string::npos);
  EXPECT_TRUE(notices_->is_done(number));
}

// Who waits for one that was given up with others goes on.
TEST_F(NoticesTest, WhatWasGivenUpIsDoneInTheEnd) {
  say_that_it_acknowledges();
  forget_files(60'000);
  const auto given_up = notices_->forget_file(60'001);
  forget_files(100'000);
  EXPECT_FALSE(notices_->is_done(given_up));
  do_all();
  EXPECT_TRUE(notices_->is_done(given_up));
}

// However much the host goes on doing, who waits has not to wait for all of that.
TEST_F(NoticesTest, WhatIsLostIsNotWaitedForWhileTheHostGoesOn) {
  say_that_it_acknowledges();
  forget_files(100'000);
  const auto waited_for = notices_->last();
  const auto told = notices_->forget_file(1);
  notices_->done(64);  // what was lost is told of
  EXPECT_FALSE(notices_->is_done(waited_for));
  for (std::uint64_t round = 0; round < 40; ++round) {
    forget_files(100 + round);  // some wait always
    notices_->done(64);
  }
  EXPECT_FALSE(notices_->are_all_done());
  EXPECT_TRUE(notices_->is_done(waited_for));
  EXPECT_TRUE(notices_->is_done(told));
}

TEST_F(NoticesTest, AllIsSentBeforeAnotherProcessGoesOn) {
  say_that_it_acknowledges();
  forget_files(140);
  EXPECT_EQ(came_, 64u);
  notices_->flush();
  EXPECT_EQ(take(), 76u);
  EXPECT_EQ(notices_->sent(), 140u);
}

// Older agents did not acknowledge, and one of them may go on in a saved machine.
TEST_F(NoticesTest, AGuestThatDoesNotAcknowledgeIsToldAllAndBelievedOfNone) {
  forget_files(3000);
  EXPECT_EQ(came_, 3000u);
  EXPECT_TRUE(notices_->has_room());
  EXPECT_FALSE(notices_->is_done(notices_->forget_file(7)));
}

}  // namespace
}  // namespace boxlite::fileserver
