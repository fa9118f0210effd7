// SPDX-License-Identifier: Apache-2.0
// Commands that take all they can get: they end, the others live.
#include <chrono>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class OverloadTest : public BoxTest {
 protected:
  // What runs in the box besides its first process and this very command.
  static std::string processes(Box& box) {
    return run_in(box, {"sh", "-c",
                        "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done | grep -E "
                        "'sleep|bomb|dd' | grep -v grep"})
        .out;
  }
};

TEST_F(OverloadTest, ATimeLimitTakesEverythingTheCommandStarted) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  const std::vector<std::string> scripts{
      "sleep 100 & sleep 100",
      "setsid sleep 100 & sleep 100",
      "trap '' TERM INT HUP; (sleep 100; sleep 100) & while :; do sleep 100; done",
      "sh -c 'sh -c \"sleep 100 & sleep 100 &\" &' ; sleep 100",
  };
  for (const auto& script : scripts) {
    const auto began = Clock::now();
    auto execution = box.exec({.command = {"sh", "-c", script}, .timeout = 1s});
    ASSERT_TRUE(execution);
    const auto ran = finish(*execution);
    EXPECT_LT(Clock::now() - began, 2s) << script;
    EXPECT_TRUE(ran.status.timed_out) << script;
    EXPECT_EQ(ran.status.signal, 9) << script;
    EXPECT_EQ(processes(box), "") << script;
  }
}

TEST_F(OverloadTest, AKillTakesEverythingAndAnInheritedPipeDelaysNothing) {
  auto runtime = open();
  auto box = create(runtime);
  const auto began = Clock::now();
  auto leaver = box.exec({.command = {"sh", "-c", "echo before; sleep 100 & exit 7"}});
  ASSERT_TRUE(leaver);
  const auto id = leaver->id();
  const auto ran = finish(*leaver);
  EXPECT_EQ(ran.out, "before\n") << "output precedes the end";
  EXPECT_EQ(ran.status.exit_code, 7);
  EXPECT_LT(Clock::now() - began, 60s);
  EXPECT_EQ(processes(box), "sleep 100 \n") << "a background child lives on";
  ASSERT_TRUE(box.send_signal(id, 9)) << "and is killed with what is left of the command";
  auto killed = box.exec({.command = {"sh", "-c", "trap '' TERM; setsid sleep 100 & echo up; wait"}});
  std::byte buffer[8];
  ASSERT_TRUE(killed->read(OutputStream::stdout_, buffer));
  ASSERT_TRUE(killed->kill());
  EXPECT_EQ(killed->wait()->signal, 9);
  EXPECT_EQ(processes(box), "");
}

TEST_F(OverloadTest, TheResultTellsWhatTheCommandUsed) {
  auto runtime = open();
  auto box = create(runtime);
  const auto busy = run_in(box, {"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"}).status;
  EXPECT_GT(busy.cpu_time, 10ms);
  EXPECT_LE(busy.cpu_time, busy.ended_at - busy.started_at + 50ms);
  const auto large = run_in(box, {"sh", "-c", "dd if=/dev/zero of=/dev/null bs=30M count=1"}).status;
  EXPECT_GT(large.peak_memory_bytes, 30'000'000u);
  EXPECT_LT(large.peak_memory_bytes, 60'000'000u);
  EXPECT_LT(busy.peak_memory_bytes, 10'000'000u);
  EXPECT_FALSE(large.oom_killed);
}

TEST_F(OverloadTest, OutOfMemoryEndsOneCommandWhole) {
  auto runtime = open();
  auto box = create(runtime, {.memory_mib = 160});
  auto bystander = box.exec({.command = {"sh", "-c", "read line; echo alive"}, .use_stdin = true});
  ASSERT_TRUE(bystander);
  for (int round = 0; round < 2; ++round) {
    // Each holds its buffer for as long as nobody reads from its pipe.
    auto hog = box.exec(
        {.command = {"sh", "-c",
                     "for i in 1 2 3 4; do dd if=/dev/zero bs=60M count=1 | sleep 1000 & done; wait"},
         .timeout = 60s});
    ASSERT_TRUE(hog);
    const auto status = finish(*hog).status;
    EXPECT_TRUE(status.oom_killed);
    EXPECT_FALSE(status.timed_out);
    EXPECT_EQ(status.signal, 9) << status.exit_code;
    EXPECT_EQ(processes(box), "") << "no part of it is left";
  }
  EXPECT_EQ(finish(*bystander, "\n").out, "alive\n");
}

TEST_F(OverloadTest, BesideAForkBombCommandsRun) {
  auto runtime = open();
  auto box = create(runtime, {.memory_mib = 256});
  auto bystander = box.exec({.command = {"sh", "-c", "read line; echo alive"}, .use_stdin = true});
  ASSERT_TRUE(bystander);
  auto bomb = box.exec({.command = {"sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000"}});
  ASSERT_TRUE(bomb);
  ASSERT_TRUE(*bomb->wait_started());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run_in(box, {"echo", "still here"}).out, "still here\n");
  ASSERT_TRUE(bomb->kill());
  ASSERT_TRUE(bomb->wait());
  EXPECT_EQ(finish(*bystander, "\n").out, "alive\n");
  const auto deadline = Clock::now() + 30s;
  while (!processes(box).empty()) ASSERT_LT(Clock::now(), deadline) << processes(box);
}

}  // namespace
}  // namespace boxlite::test
