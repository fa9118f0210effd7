// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/guest_copy.h"

#include <gtest/gtest.h>
#include <time.h>

namespace boxlite::fileserver {
namespace {

constexpr Version old{.size = 1, .changed_seconds = 1000};
constexpr Version other{.size = 2, .changed_seconds = 2000};

Version just_made() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return {.size = 3,
          .changed_seconds = now.tv_sec,
          .changed_nanoseconds = static_cast<std::uint32_t>(now.tv_nsec)};
}

TEST(GuestCopy, IsOfWhatItWasToldUntilItForgets) {
  GuestCopy copy;
  EXPECT_FALSE(copy.is_of(old));
  copy.tell(old, true);
  EXPECT_TRUE(copy.is_of(old));
  copy.forget(1);
  EXPECT_FALSE(copy.is_of(old));
}

TEST(GuestCopy, WhatIsNotReliableIsOfNoVersion) {
  GuestCopy copy;
  copy.tell(old, true);
  copy.tell(other, false);
  EXPECT_FALSE(copy.is_of(other));
  EXPECT_EQ(copy.shown(), other);
}

TEST(GuestCopy, WhatItMadeItselfIsKnownAtOnce) {
  GuestCopy copy;
  const auto version = just_made();
  copy.make(version, true);
  EXPECT_TRUE(copy.is_of(version));
  copy.tell(version, false);
  EXPECT_TRUE(copy.is_of(version)) << "being told of it again makes it no less known";
  EXPECT_FALSE(copy.is_behind(version));
}

TEST(GuestCopy, WhatItMadeOfSomethingElseIsNotWhatItWasShown) {
  GuestCopy copy;
  copy.tell(old, true);
  copy.make(other, false);
  EXPECT_EQ(copy.shown(), old);
  copy.make(other, true);
  EXPECT_EQ(copy.shown(), other);
}

TEST(GuestCopy, OpensWhatItWasShown) {
  GuestCopy copy;
  copy.tell(old, true);
  EXPECT_TRUE(copy.may_open(old, true));
  EXPECT_FALSE(copy.may_open(other, true)) << "it has to look the name up";
  EXPECT_TRUE(copy.may_open(other, true)) << "once it is believed";
  EXPECT_FALSE(copy.may_open(other, true));
  copy.look_up();
  EXPECT_TRUE(copy.may_open(other, true));
  copy.look_up();
  copy.forget(1);
  EXPECT_FALSE(copy.may_open(other, true)) << "it was looked up before the host changed it";
  copy.forget(1);
  EXPECT_TRUE(copy.may_open(other, true)) << "once it is believed, whatever the host does meanwhile";
}

TEST(GuestCopy, IsToldOnceToForget) {
  GuestCopy copy;
  copy.tell(old, true);
  EXPECT_TRUE(copy.is_behind(other));
  EXPECT_FALSE(copy.is_behind(other));
  const auto version = just_made();
  EXPECT_TRUE(copy.is_behind(version));
  EXPECT_TRUE(copy.is_behind(version)) << "it may have changed again";
}

TEST(GuestCopy, TheHostClosesWhatItWrote) {
  GuestCopy copy;
  EXPECT_FALSE(copy.host_closes(false)) << "the guest did";
  copy.host_writes();
  EXPECT_TRUE(copy.host_closes(false));
  EXPECT_FALSE(copy.host_closes(false)) << "once";
  EXPECT_TRUE(copy.host_closes(true));
}

}  // namespace
}  // namespace boxlite::fileserver
