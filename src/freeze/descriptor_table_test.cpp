// SPDX-License-Identifier: Apache-2.0
#include "freeze/descriptor_table.h"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::freeze {
namespace {

// One like `fd`, made from what the kernel says of it.
Result<UniqueFd> again(int fd) {
  const auto info = BOXLITE_TRY(read_file(concat("/proc/self/fdinfo/", fd)));
  NamedDescriptor named;
  named.descriptor = BOXLITE_TRY(parse_descriptor(info));
  named.name = "/dev/null";
  return make_descriptor(named);
}

TEST(DescriptorTable, AnEventCounterKeepsItsValueAndItsWay) {
  const UniqueFd event(::eventfd(5, EFD_NONBLOCK));
  const auto copy = again(event.get());
  ASSERT_TRUE(copy);
  std::uint64_t value = 0;
  EXPECT_EQ(::read(copy->get(), &value, sizeof value), sizeof value);
  EXPECT_EQ(value, 5);
  EXPECT_EQ(::read(copy->get(), &value, sizeof value), -1) << "it does not block";

  const UniqueFd semaphore(::eventfd(5, EFD_NONBLOCK | EFD_SEMAPHORE));
  const auto same = again(semaphore.get());
  ASSERT_TRUE(same);
  EXPECT_EQ(::read(same->get(), &value, sizeof value), sizeof value);
  EXPECT_EQ(value, 1);
}

TEST(DescriptorTable, ASignalDescriptorKeepsItsMask) {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGUSR2);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &mask, nullptr), 0);
  const UniqueFd signals(::signalfd(-1, &mask, SFD_NONBLOCK));
  const auto copy = again(signals.get());
  ASSERT_TRUE(copy);
  ::raise(SIGUSR2);
  signalfd_siginfo received = {};
  EXPECT_EQ(::read(copy->get(), &received, sizeof received), sizeof received);
  EXPECT_EQ(received.ssi_signo, SIGUSR2);
}

TEST(DescriptorTable, AFileIsOpenedInTheSameWay) {
  const UniqueFd file(::open("/dev/null", O_RDWR | O_NONBLOCK | O_APPEND));
  const auto copy = again(file.get());
  ASSERT_TRUE(copy);
  constexpr int compared = O_ACCMODE | O_NONBLOCK | O_APPEND;
  EXPECT_EQ(::fcntl(copy->get(), F_GETFL) & compared, O_RDWR | O_NONBLOCK | O_APPEND);
}

TEST(DescriptorTable, WhatHasNoFlagsIsNoDescriptor) {
  EXPECT_FALSE(parse_descriptor("pos: 0\n"));
}

}  // namespace
}  // namespace boxlite::freeze
