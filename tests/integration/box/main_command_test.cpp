// SPDX-License-Identifier: Apache-2.0
// The command a box is made for: run by boxlite-shim, so that it needs nobody to stay.
#include <csignal>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class MainCommandTest : public BoxTest {};

TEST_F(MainCommandTest, AnImagesOwnShellKeepsTheBoxUp) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  EXPECT_EQ(run_in(box, {"sh", "-c", "echo kept > /f"}).status.exit_code, 0);
  auto main = box.attach("main");
  ASSERT_TRUE(main) << main.error().message();
  ASSERT_TRUE(box.stop());
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
  EXPECT_EQ(run_in(box, {"cat", "/f"}).out, "kept\n") << "a sandbox starts for whoever needs it";
}

TEST_F(MainCommandTest, StartRunsAJobAndItsEndIsTheBoxs) {
  auto runtime = open();
  auto box = create(runtime, {.name = "job", .command = {"sh", "-c", "cat; echo ran >> /log; exit 3"}});
  for (int round = 0; round < 2; ++round) {
    const auto started = box.start();
    ASSERT_TRUE(started) << started.error().message();
    ASSERT_TRUE(becomes(box, BoxStatus::stopped));
    EXPECT_EQ(box.info()->exit_code, 3) << "its stdin was /dev/null";
  }
  const auto refused = box.exec({.command = {"true"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_state);
  EXPECT_THAT(refused.error().message(), HasSubstr("exit code 3"));
  EXPECT_THAT(refused.error().remedy(), HasSubstr("boxlite start job"));
}

TEST_F(MainCommandTest, ACommandIsServedBesideAJob) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "touch /begun; sleep 1000"}});
  EXPECT_EQ(run_in(box, {"sh", "-c", "until test -e /begun; do usleep 10000; done"}).status.exit_code, 0)
      << "exec has started the box and its job";
  ASSERT_TRUE(box.stop({.grace = 0ms}));
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
}

TEST_F(MainCommandTest, WhatCannotRunIsAnErrorOfTheStart) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"no-such-program"}});
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("no-such-program"));
  EXPECT_EQ(box.info()->status, BoxStatus::failed);
  EXPECT_EQ(box.info()->exit_code, 127);
  auto stranger = create(runtime, {.command = {"true"}, .user = "nobody-knows-him"});
  const auto refused = stranger.start();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("nobody-knows-him"));
}

TEST_F(MainCommandTest, FailuresAreTriedAgainAsOftenAsThePolicySays) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "echo x >> /runs; exit $(wc -l < /runs)"},
                              .restart = {.mode = RestartMode::on_failure, .max_retries = 2}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(becomes(box, BoxStatus::stopped));
  EXPECT_EQ(box.info()->exit_code, 3) << "the first run and two more";
}

TEST_F(MainCommandTest, AStoppedBoxIsNotStartedAgain) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "echo x >> /runs; sleep 1000"},
                              .restart = {.mode = RestartMode::always}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(box.stop({.grace = 100ms}));
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
  // One whose command ends at once is most of the time between two machines.
  auto hasty = create(runtime, {.command = {"true"}, .restart = {.mode = RestartMode::always}});
  ASSERT_TRUE(hasty.start());
  ASSERT_TRUE(hasty.stop({.grace = 100ms}));
  EXPECT_EQ(hasty.info()->status, BoxStatus::stopped);
}

TEST_F(MainCommandTest, ABoxWithAPolicyOutlivesItsMachine) {
  auto runtime = open();
  auto box = create(runtime, {.restart = {.mode = RestartMode::unless_stopped}});
  ASSERT_TRUE(box.start());
  ASSERT_EQ(run_in(box, {"sh", "-c", "echo kept > /f; sync"}).status.exit_code, 0);
  const auto before = box.info();
  ASSERT_EQ(::kill(*before->vmm_pid, SIGKILL), 0);
  EXPECT_TRUE(comes_true([&] {
    const auto now = box.info();
    return now->vmm_pid && now->vmm_pid != before->vmm_pid && now->status == BoxStatus::running;
  }));
  EXPECT_EQ(run_in(box, {"cat", "/f"}).out, "kept\n");
  const auto after = box.info();
  EXPECT_EQ(after->shim_pid, before->shim_pid);
  EXPECT_NE(after->vmm_pid, before->vmm_pid);
  EXPECT_EQ(after->restart_count, 1u);
}

TEST_F(MainCommandTest, ThatItWasKilledForWantOfMemoryIsToldLater) {
  auto runtime = open();
  auto events = runtime.events({.types = {"oom", "die"}});
  ASSERT_TRUE(events);
  auto box = create(runtime, {.memory_mib = 128, .command = {"tail", "/dev/zero"}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(becomes(box, BoxStatus::stopped));
  EXPECT_TRUE(box.info()->oom_killed);
  EXPECT_EQ(box.info()->exit_code, 137);
  EXPECT_EQ(events->next(CallOptions::within(10s))->value().type, "oom");
  const auto die = events->next(CallOptions::within(10s))->value();
  EXPECT_THAT(die.attributes, testing::Contains(std::pair<std::string, std::string>("oom_killed", "true")));
  auto other = create(runtime, {.command = {"sh", "-c", "kill -9 $$"}});
  ASSERT_TRUE(other.start());
  ASSERT_TRUE(becomes(other, BoxStatus::stopped));
  EXPECT_FALSE(other.info()->oom_killed) << "any other 137";
}

}  // namespace
}  // namespace boxlite::test
