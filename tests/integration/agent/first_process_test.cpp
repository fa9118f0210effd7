// SPDX-License-Identifier: Apache-2.0
// The main command as the container's process 1. A machine for each: it ends with its main command.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "guest_machine.h"

namespace boxlite::test {
namespace {

class FirstProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
    machine_ = GuestMachine::boot();
    ASSERT_NE(machine_, nullptr);
  }

  Command& start_main(const std::string& script, bool use_init = false) {
    main_ = std::make_unique<Command>(*machine_, std::vector<std::string>{"sh", "-c", script});
    main_->with_stdin().request().set_is_main(true);
    main_->request().set_use_init(use_init);
    return main_->start();
  }
  std::string shell(const std::string& script) {
    Command command(*machine_, {"sh", "-c", script});
    const auto outcome = command.start().finish();
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? outcome->out : std::string();
  }
  CommandOutcome end_of_main() {
    const auto outcome = main_->finish();
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome.value_or(CommandOutcome{});
  }
  void shut_down(int signal, std::chrono::milliseconds grace) {
    wire::msg::ShutdownRequest request;
    request.set_signal(static_cast<unsigned>(signal));
    request.set_grace_ms(static_cast<unsigned>(grace.count()));
    EXPECT_TRUE(machine_->call<wire::GuestShutdown>(request));
    EXPECT_TRUE(machine_->wait_for_end(Deadline::after(std::chrono::seconds(8)))) << machine_->console();
  }

  std::unique_ptr<GuestMachine> machine_;
  std::unique_ptr<Command> main_;
};

TEST_F(FirstProcessTest, IsTheMainCommandWhoeverCameBefore) {
  EXPECT_EQ(shell("sleep 3333 & cat /proc/1/comm"), "init\n") << "until there is one";
  auto& main = start_main(
      "echo $$ $PPID; grep -E 'Cap(Prm|Bnd)' /proc/self/status; cat /proc/self/oom_score_adj "
      "/proc/self/cgroup; read word; exit 4");
  ASSERT_TRUE(main.wait_for_output("0::/main\n")) << main.so_far().out;
  EXPECT_EQ(main.so_far().out, "1 0\nCapPrm:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n0\n0::/main\n");
  EXPECT_EQ(main.so_far().pid, 1u);
  EXPECT_EQ(shell("tr '\\0' ' ' < /proc/1/cmdline | cut -c 1-5; awk '{print $4}' /proc/$(pidof sleep)/stat"),
            "sh -c\n1\n")
      << "orphans are its own";
  Command second(*machine_, {"true"});
  second.request().set_is_main(true);
  EXPECT_EQ(second.start().finish().error().code(), ErrorCode::invalid_state);
  Command beside(*machine_, {"sleep", "1000"});
  beside.start();
  ASSERT_TRUE(beside.wait_for_start());
  main.send_stdin("go\n");
  EXPECT_EQ(end_of_main().code(), 4);
  EXPECT_EQ(beside.finish()->code(), 128 + SIGKILL) << "its end is everybody's";
  EXPECT_TRUE(machine_->wait_for_end(Deadline::after(std::chrono::seconds(8)))) << machine_->console();
}

TEST_F(FirstProcessTest, IsNotEndedByASignalThatItDoesNotHandle) {
  ASSERT_TRUE(start_main("echo ready; exec sleep 1000").wait_for_output("ready"));
  shell("kill -TERM 1; kill -KILL 1");
  EXPECT_FALSE(main_->has_ended());
  Command beside(*machine_, {"sh", "-c", "trap 'echo heard > /heard' TERM; echo ready; sleep 1000"});
  beside.start();
  ASSERT_TRUE(beside.wait_for_output("ready"));
  const auto begin = std::chrono::steady_clock::now();
  shut_down(0, std::chrono::milliseconds(500));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));
  EXPECT_EQ(end_of_main().code(), 128 + SIGKILL);
  const auto look =
      concat("/sbin/debugfs -R 'stat /heard' ", machine_->disk().native(), " 2>&1 | grep -q 'not found'");
  EXPECT_EQ(std::system(look.c_str()), 0) << "the signal is the main command's only";
}

TEST_F(FirstProcessTest, EndsByTheSignalThatItIsStoppedWith) {
  constexpr int halt_systemd = 37;  // RTMIN+3
  ASSERT_TRUE(
      start_main("trap 'echo heard; exit 6' 37; trap : TERM; echo ready; while :; do sleep 0.05; done")
          .wait_for_output("ready"));
  shut_down(halt_systemd, std::chrono::seconds(8));
  EXPECT_EQ(end_of_main().out, "ready\nheard\n");
  EXPECT_EQ(main_->so_far().code(), 6);
}

TEST_F(FirstProcessTest, MayBeAnInitThatReapsAndPassesSignalsOn) {
  auto& main =
      start_main("trap 'echo heard; exit 5' TERM; echo $$ $PPID; while :; do sleep 0.05; done", true);
  ASSERT_TRUE(main.wait_for_output("1\n")) << main.so_far().out;
  EXPECT_NE(main.so_far().out.substr(0, 2), "1 ");
  EXPECT_EQ(shell("sh -c 'sleep 0.1 &'; cat /proc/1/comm; "
                  "until ! grep -qs sleep /proc/[0-9]*/stat; do sleep 0.05; done; readlink /proc/1/exe"),
            "init\n")
      << "the orphan is reaped, and a copy of the agent is nobody's to look at";
  shut_down(0, std::chrono::seconds(8));
  EXPECT_TRUE(end_of_main().out.ends_with("heard\n"));
  EXPECT_EQ(main_->so_far().code(), 5);
}

TEST_F(FirstProcessTest, OfAProgramThatCannotRunSaysWhy) {
  main_ = std::make_unique<Command>(*machine_, std::vector<std::string>{"/opt/tools/lostinterpreter"});
  main_->request().set_is_main(true);
  main_->request().set_use_init(true);
  main_->start();
  EXPECT_EQ(end_of_main().code(), 127);
  EXPECT_NE(main_->so_far().result.error().find("\"/nowhere/python\" is missing"), std::string::npos)
      << main_->so_far().result.error();
  EXPECT_TRUE(machine_->wait_for_end(Deadline::after(std::chrono::seconds(8)))) << machine_->console();
}

// Its machine is not told yet whose it is.
class RehearsalTest : public FirstProcessTest {
 protected:
  void SetUp() override {
    if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
  }
};

TEST_F(RehearsalTest, LeavesTheFirstProcessAlone) {
  machine_ = GuestMachine::boot_bare();
  ASSERT_TRUE(machine_->call<wire::GuestHello>({}));
  ASSERT_TRUE(machine_->call<wire::GuestConfigure>({}));
  wire::msg::StartContainerRequest container;
  container.mutable_container()->set_root_device("/dev/vda");
  container.set_only_prepare(true);
  ASSERT_TRUE(machine_->call<wire::GuestStartContainer>(container));
  for (const bool use_init : {false, true}) {
    Command rehearsal(*machine_, {"sh", "-c", "echo $$; exit 3"});
    rehearsal.request().set_id(concat("rehearsal", use_init));
    rehearsal.request().set_is_main(true);
    rehearsal.request().set_use_init(use_init);
    const auto outcome = rehearsal.start().finish();
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->code(), 3);
    EXPECT_EQ(outcome->out, use_init ? "2\n" : "1\n") << "in a namespace of its own";
  }
  container.set_only_prepare(false);
  ASSERT_TRUE(machine_->call<wire::GuestConfigure>({}));
  ASSERT_TRUE(machine_->call<wire::GuestStartContainer>(container));
  start_main("exit $$");
  EXPECT_EQ(end_of_main().code(), 1);
}

TEST_F(FirstProcessTest, ThatRunsOutOfMemoryEndsTheBox) {
  start_main("exec tail /dev/zero");
  EXPECT_EQ(end_of_main().code(), 128 + SIGKILL);
  EXPECT_TRUE(main_->so_far().result.oom_killed());
  EXPECT_TRUE(machine_->wait_for_end(Deadline::after(std::chrono::seconds(8)))) << machine_->console();
}

}  // namespace
}  // namespace boxlite::test
