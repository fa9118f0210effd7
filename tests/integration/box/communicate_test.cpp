// SPDX-License-Identifier: Apache-2.0
// Execution::communicate and Box::run_command: no command makes them hang.
#include <future>
#include <thread>

#include "base/ids.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// Not a measure of speed: what hangs takes for ever.
constexpr std::chrono::seconds soon = 20s;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class CommunicateTest : public BoxTest {
 protected:
  void SetUp() override {
    BoxTest::SetUp();
    runtime_.emplace(open());
    box_.emplace(create(*runtime_));
    ASSERT_TRUE(box_->start());
  }
  void TearDown() override {
    box_.reset();
    runtime_.reset();
    BoxTest::TearDown();
  }
  testing::AssertionResult nothing_runs() {
    const auto none = [&] { return run_in(*box_, {"pidof", "sleep"}).status.exit_code != 0; };
    return comes_true(none) ? testing::AssertionSuccess() : testing::AssertionFailure() << "sleep runs";
  }

  std::optional<Runtime> runtime_;
  std::optional<Box> box_;
};

TEST_F(CommunicateTest, MuchOutputOfBothStreamsIsRead) {
  const auto output = box_->run_command(
      {.command = {"sh", "-c", "head -c 10485760 /dev/zero; head -c 10485760 /dev/zero >&2"}});
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_TRUE(output->status.is_success());
  EXPECT_EQ(output->stdout_text.size(), 10u << 20);
  EXPECT_EQ(output->stderr_text.size(), 10u << 20);
  EXPECT_TRUE(output->is_whole());
}

TEST_F(CommunicateTest, InputGoesInWhileOutputComesOut) {
  const auto input = random_bytes(3u << 20);
  const auto output = box_->run_command({.command = {"cat"}}, bytes_of(input));
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_TRUE(output->stdout_text == input);
  // Without any, stdin is at its end.
  EXPECT_EQ(box_->run_command({.command = {"wc", "-c"}, .use_stdin = true})->stdout_text, "0\n");
}

TEST_F(CommunicateTest, ACommandNeedNotReadItsInput) {
  const auto output =
      box_->run_command({.command = {"sh", "-c", "exit 3"}}, bytes_of(std::string(2u << 20, 'x')));
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->status.exit_code, 3);
}

TEST_F(CommunicateTest, WhatIsBeyondTheLimitIsDiscardedOrAnError) {
  const ExecSpec much{.command = {"sh", "-c", "yes | head -c 3000000; echo end >&2"}};
  const auto cut = box_->run_command(much, {}, {.limit = 1000});
  ASSERT_TRUE(cut) << cut.error().message();
  EXPECT_EQ(cut->stdout_text.size(), 1000u);
  EXPECT_EQ(cut->stdout_bytes, 3'000'000u);
  EXPECT_EQ(cut->stderr_text, "end\n");
  EXPECT_FALSE(cut->is_whole());
  const auto endless = box_->run_command({.command = {"sh", "-c", "yes; sleep 1000"}}, {},
                                         {.limit = 1000, .beyond = BeyondLimit::fail});
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(endless.error().message(), HasSubstr("more than 1000 bytes to standard output"));
  EXPECT_TRUE(nothing_runs());
}

TEST_F(CommunicateTest, IsStoppedWhateverTheCommandDoes) {
  const auto input = std::string(4u << 20, 'x');
  for (const auto& fed : {std::string(), input}) {
    std::stop_source stop;
    auto call = std::async(std::launch::async, [&] {
      return box_->run_command({.command = {"sleep", "1000"}}, bytes_of(fed), {}, {.stop = stop.get_token()});
    });
    ASSERT_TRUE(comes_true([&] { return run_in(*box_, {"pidof", "sleep"}).status.exit_code == 0; }));
    stop.request_stop();
    ASSERT_EQ(call.wait_for(soon), std::future_status::ready);
    const auto output = call.get();
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().code(), ErrorCode::cancelled);
    EXPECT_TRUE(nothing_runs());
  }
}

TEST_F(CommunicateTest, EndsAtItsDeadline) {
  const auto output = box_->run_command({.command = {"sleep", "1000"}}, {}, {},
                                        {.deadline = std::chrono::steady_clock::now() + 300ms});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), ErrorCode::timed_out);
  EXPECT_TRUE(nothing_runs());
}

TEST_F(CommunicateTest, ABoxThatGoesAwayEndsIt) {
  auto call =
      std::async(std::launch::async, [&] { return box_->run_command({.command = {"sleep", "1000"}}); });
  ASSERT_TRUE(comes_true([&] { return run_in(*box_, {"pidof", "sleep"}).status.exit_code == 0; }));
  ASSERT_TRUE(box_->stop({.force = true}));
  ASSERT_EQ(call.wait_for(soon), std::future_status::ready);
  const auto output = call.get();
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), ErrorCode::stopped);
}

}  // namespace
}  // namespace boxlite::test
