// SPDX-License-Identifier: Apache-2.0
#include "freeze/freezer.h"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/frozen_process.h"
#include "freeze/process_image.h"
#include "linux/process/child_process.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::freeze {
namespace {

using namespace std::chrono_literals;

constexpr int talk_fd = 3;

struct Subject {
  linux_::ChildProcess process;
  UniqueFd talk;

  std::string ask(char byte) const {
    if (::write(talk.get(), &byte, 1) != 1) return "not written";
    std::string line;
    for (char got = 0; got != '\n'; line += got) {
      if (::read(talk.get(), &got, 1) != 1) return line + "<end>";
    }
    return line;
  }
};

class FreezerTest : public testing::Test {
 protected:
  static Subject start(std::vector<std::string> arguments = {}) {
    auto ends = linux_::unix_socket_pair();
    auto child = linux_::ChildProcess::spawn({.program = SUBJECT_PROGRAM,
                                              .arguments = std::move(arguments),
                                              .fds = {{ends->second.get(), talk_fd}}});
    EXPECT_TRUE(child) << child.error().message();
    return {*std::move(child), std::move(ends->first)};
  }

  Order order(pid_t pid) const {
    return {.pid = pid,
            .image = dir_.path() / "image",
            .pages = dir_.path() / "pages",
            .mapped_file = {},
            .name_given = [](int number, const std::string&) -> std::optional<std::string> {
              if (number > talk_fd) return std::nullopt;
              return "talk";
            }};
  }

  static Result<UniqueFd> give_null(const std::string&, int) { return open_file("/dev/null", O_RDWR); }

  Result<Subject> thaw(linux_::ChildStep* last_step = nullptr) const {
    auto ends = BOXLITE_TRY(linux_::unix_socket_pair());
    auto frozen = BOXLITE_TRY(FrozenProcess::open(dir_.path() / "image", dir_.path() / "pages"));
    linux_::ChildSpec child{
        .program = THAW_PROGRAM, .fds = {{ends.second.get(), talk_fd}, {2, 2}}, .last_step = last_step};
    const auto made = BOXLITE_TRY(frozen.add_descriptors(child.fds, give_null));
    return Subject{BOXLITE_TRY(linux_::ChildProcess::spawn(child)), std::move(ends.first)};
  }

  TempDir dir_ = *TempDir::create("/tmp", "freeze");
};

TEST_F(FreezerTest, AThawedProcessGoesOnAsIfNothingHadHappened) {
  auto subject = start();
  EXPECT_EQ(subject.ask('a'), "1 10 0 0 1.5000 aa\n");
  EXPECT_EQ(subject.ask('s'), "2 20 1 0 2.2500 asas\n");
  EXPECT_EQ(subject.ask('e'), "3 30 1 0 3.3750 asease\n");
  const auto frozen = freeze(order(subject.process.pid()), Deadline::after(10s));
  ASSERT_TRUE(frozen) << frozen.error().message();
  EXPECT_EQ(subject.process.wait(Deadline::after(10s))->signal, SIGKILL);

  // Twice, at the same time: the two share what neither has changed.
  auto first = thaw();
  auto second = thaw();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->ask('r'), "4 40 1 1 5.0625 aseraser\n");
  EXPECT_EQ(second->ask('s'), "4 40 2 0 5.0625 asesases\n");
  EXPECT_EQ(first->ask('r'), "5 50 1 0 7.5938 aserraserr\n");
  EXPECT_EQ(second->ask('r'), "5 50 2 1 7.5938 asesrasesr\n");
  for (int i = 0; i < 10; ++i) first->ask('x');
  EXPECT_THAT(first->ask('s'), testing::StartsWith("16 160 2 0 "));
  first->talk.reset();
  const auto end = first->process.wait(Deadline::after(10s));
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, linux_::ChildEnd{.exit_code = 7});
}

TEST_F(FreezerTest, ASocketThatIsGivenWaitsAsTheOneOfBeforeDid) {
  constexpr int other_fd = 4;
  const auto before = linux_::unix_socket_pair();
  ASSERT_EQ(::fcntl(before->second.get(), F_SETFL, O_NONBLOCK), 0);
  auto ends = linux_::unix_socket_pair();
  auto child = linux_::ChildProcess::spawn(
      {.program = SUBJECT_PROGRAM, .fds = {{ends->second.get(), talk_fd}, {before->second.get(), other_fd}}});
  ASSERT_TRUE(child);
  const Subject subject{*std::move(child), std::move(ends->first)};
  subject.ask('a');
  auto wanted = order(subject.process.pid());
  wanted.name_given = [](int number, const std::string&) { return std::optional(concat("fd", number)); };
  ASSERT_TRUE(freeze(wanted, Deadline::after(10s)));

  const auto talk = linux_::unix_socket_pair();
  const auto other = linux_::unix_socket_pair();
  ASSERT_EQ(::fcntl(talk->second.get(), F_SETFL, O_NONBLOCK), 0);
  std::vector<linux_::FdMapping> fds{{talk->second.get(), talk_fd}, {other->second.get(), other_fd}};
  const auto frozen = FrozenProcess::open(dir_.path() / "image", dir_.path() / "pages");
  ASSERT_TRUE(frozen->add_descriptors(fds, give_null));
  EXPECT_EQ(::fcntl(talk->second.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(other->second.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(FreezerTest, WhatCannotBeMadeAgainIsRefusedAndGoesOn) {
  for (const auto* const extra : {"shared", "epoll"}) {
    auto subject = start({extra});
    EXPECT_EQ(subject.ask('a'), "1 10 0 0 1.5000 aa\n");
    const auto frozen = freeze(order(subject.process.pid()), Deadline::after(10s));
    ASSERT_FALSE(frozen) << extra;
    EXPECT_EQ(frozen.error().code(), ErrorCode::unsupported) << frozen.error().message();
    EXPECT_EQ(subject.ask('b'), "2 20 0 0 2.2500 abab\n");
  }
}

TEST_F(FreezerTest, AProcessThatIsNotThereIsNotFound) {
  const auto frozen = freeze(order(1 << 30), Deadline::after(10s));
  ASSERT_FALSE(frozen);
  EXPECT_EQ(frozen.error().code(), ErrorCode::not_found);
}

TEST_F(FreezerTest, ADamagedImageIsCorruptedOrDoesNotThaw) {
  auto subject = start();
  EXPECT_EQ(subject.ask('a'), "1 10 0 0 1.5000 aa\n");
  ASSERT_TRUE(freeze(order(subject.process.pid()), Deadline::after(10s)));
  const auto image = *read_file(dir_.path() / "image");
  for (const auto size : {std::size_t{0}, std::size_t{100}, image.size() / 2, image.size() - 1}) {
    ASSERT_TRUE(write_file_atomic(dir_.path() / "image", image.substr(0, size)));
    const auto opened = FrozenProcess::open(dir_.path() / "image", dir_.path() / "pages");
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code(), ErrorCode::corrupted);
  }
  auto other = image;
  other.replace(other.find("libc.so.6"), 9, "libm.so.6");
  ASSERT_TRUE(write_file_atomic(dir_.path() / "image", other));
  auto thawed = thaw();
  ASSERT_TRUE(thawed);
  EXPECT_EQ(*thawed->process.wait(Deadline::after(10s)), linux_::ChildEnd{.exit_code = cannot_thaw});
}

// The image is sound, and this host can thaw it.
TEST_F(FreezerTest, TooLittleMemoryIsNoFaultOfTheImage) {
  auto subject = start();
  EXPECT_EQ(subject.ask('a'), "1 10 0 0 1.5000 aa\n");
  ASSERT_TRUE(freeze(order(subject.process.pid()), Deadline::after(10s)));
  class LittleMemory : public linux_::ChildStep {
   public:
    int descriptor() const override { return -1; }
    bool run(int) override {
      const rlimit limit{1u << 20, 1u << 20};
      return ::setrlimit(RLIMIT_AS, &limit) == 0;
    }
  } little;
  auto thawed = thaw(&little);
  ASSERT_TRUE(thawed) << thawed.error().message();
  EXPECT_EQ(*thawed->process.wait(Deadline::after(10s)), linux_::ChildEnd{.exit_code = lacks_resources});
}

}  // namespace
}  // namespace boxlite::freeze
