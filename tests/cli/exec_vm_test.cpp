// SPDX-License-Identifier: Apache-2.0
// Boxes that live longer than one command.
#include <csignal>
#include <memory>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

class ExecVmTest : public BoxVmTest {};

TEST_F(ExecVmTest, KeepsFilesAcrossStopAndStart) {
  const auto written = run({"exec", "w", "sh", "-c", "echo kept > /f"});
  ASSERT_EQ(written.code(), 0) << written.err;
  EXPECT_EQ(run({"stop", "w"}).code(), 0);
  EXPECT_THAT(run({"ls", "-q"}).out, IsEmpty());
  const auto started = run({"start", "w"});
  EXPECT_EQ(started.code(), 0) << started.err;
  EXPECT_EQ(started.out, "w\n");
  EXPECT_EQ(run({"exec", "w", "cat", "/f"}).out, "kept\n");
}

TEST_F(ExecVmTest, ExitsAsTheCommandDoes) {
  EXPECT_EQ(run({"exec", "w", "sh", "-c", "exit 9"}).exit_code, 9);
  EXPECT_EQ(run({"exec", "w", "--", "true"}).exit_code, 0);
  EXPECT_EQ(run({"exec", "w", "no-such-program"}).exit_code, 127);
  EXPECT_EQ(run({"exec", "w", "/etc/passwd"}).exit_code, 126);
  EXPECT_EQ(run({"exec", "nobox", "true"}).exit_code, 125);
}

TEST_F(ExecVmTest, LosesNoOutput) {
  const auto result =
      run({"exec", "w", "sh", "-c", "head -c 5000000 /dev/zero; head -c 1000000 /dev/zero >&2"});
  EXPECT_EQ(result.code(), 0);
  EXPECT_EQ(result.out.size(), 5'000'000u);
  EXPECT_EQ(result.err.size(), 1'000'000u);
}

TEST_F(ExecVmTest, DoesNotWaitForACommandThatReadsNoStdin) {
  const auto result = run({"exec", "-i", "w", "true"}, awkward_bytes(5'000'000));
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_FALSE(result.timed_out);
  // Nor for one whose stdin never ends.
  Program program(home().command({"exec", "-i", "w", "echo", "done"}));
  const auto open = program.wait();
  EXPECT_EQ(open.out, "done\n");
  EXPECT_EQ(open.code(), 0);
  EXPECT_FALSE(open.timed_out);
}

TEST_F(ExecVmTest, EndsStdinWhereItEnds) {
  EXPECT_EQ(run({"exec", "-i", "w", "wc", "-c"}, "12345").out, "5\n");
  EXPECT_EQ(run({"exec", "-i", "w", "wc", "-c"}).out, "0\n");
}

TEST_F(ExecVmTest, AppliesWhatWasAskedFor) {
  EXPECT_EQ(run({"exec", "-e", "A=1", "-w", "/etc", "-u", "1000:100", "w", "sh", "-c",
                 "echo $A $PWD $(id -u):$(id -g)"})
                .out,
            "1 /etc 1000:100\n");
}

TEST_F(ExecVmTest, RunsCommandsSideBySide) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 10; ++i) {
    programs.push_back(std::make_unique<Program>(
        home().command({"exec", "w", "sh", "-c", "sleep 0.2; echo " + std::to_string(i)})));
  }
  for (int i = 0; i < 10; ++i) {
    const auto result = programs[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(result.out, std::to_string(i) + "\n") << result.err;
  }
}

TEST_F(ExecVmTest, LetsTwoProcessesStartOneBox) {
  Program one(home().command({"exec", "w", "echo", "one"}));
  Program two(home().command({"exec", "w", "echo", "two"}));
  const auto first = one.wait();
  const auto second = two.wait();
  EXPECT_EQ(first.out, "one\n") << first.err;
  EXPECT_EQ(second.out, "two\n") << second.err;
}

TEST_F(ExecVmTest, TakesStartAndStopTwice) {
  for (const char* verb : {"start", "start", "stop", "stop", "restart"}) {
    const auto result = run({verb, "w"});
    EXPECT_EQ(result.code(), 0) << verb << result.err;
    EXPECT_EQ(result.out, "w\n") << verb;
  }
}

TEST_F(ExecVmTest, RemovesARunningBoxOnlyByForce) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  const auto refused = run({"rm", "w"});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("try: "));
  EXPECT_EQ(run({"rm", "-f", "w"}).code(), 0);
  EXPECT_THAT(run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(ExecVmTest, KeepsTheImageOfABoxUnlessForced) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  EXPECT_THAT(run({"image", "prune", "-a"}).out, testing::Not(HasSubstr("boxlite/base")));
  const auto refused = run({"rmi", "boxlite/base"});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("try: "));
  EXPECT_EQ(run({"rmi", "-f", "boxlite/base"}).code(), 0);
  EXPECT_EQ(run({"exec", "w", "echo", "alive"}).out, "alive\n");
  EXPECT_EQ(run({"restart", "w"}).code(), 0) << "the box keeps its disk";
}

TEST_F(ExecVmTest, LeavesTheBoxRunningWhenTheProgramIsKilled) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  Program program(home().command({"exec", "w", "sh", "-c", "echo ready; sleep 1000"}));
  ASSERT_TRUE(program.wait_for_output("ready\n", 60s));
  program.send_signal(SIGKILL);
  program.wait();
  EXPECT_EQ(run({"exec", "w", "echo", "alive"}).out, "alive\n");
}

TEST_F(ExecVmTest, SaysThatTheBoxWentAway) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  Program program(home().command({"exec", "w", "sh", "-c", "echo ready; sleep 1000"}));
  ASSERT_TRUE(program.wait_for_output("ready\n", 60s));
  ASSERT_EQ(run({"stop", "--force", "w"}).code(), 0);
  const auto result = program.wait();
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, testing::StartsWith("boxlite: "));
}

TEST_F(ExecVmTest, ABoxThatDoesNotAnswerKeepsNobody) {
  ASSERT_EQ(run({"start", "w"}).code(), 0);
  const auto sleeper = [] {
    auto options = home().command({"exec", "w", "sh", "-c", "echo ready; sleep 1000"});
    options.limit = 30s;
    return std::make_unique<Program>(options);
  };
  const auto interrupted = sleeper();
  const auto terminated = sleeper();
  ASSERT_TRUE(interrupted->wait_for_output("ready\n", 60s) && terminated->wait_for_output("ready\n", 60s));
  const auto vmm = std::stoi(run({"inspect", "-f", "{{.State.VmmPid}}", "w"}).out);
  ASSERT_EQ(::kill(vmm, SIGSTOP), 0);
  // Different ones: two of the same kind may become one on the way.
  interrupted->send_signal(SIGTERM);
  interrupted->send_signal(SIGINT);
  terminated->send_signal(SIGINT);
  terminated->send_signal(SIGTERM);
  auto options = home().command({"exec", "--timeout", "100ms", "w", "sleep", "1000"});
  options.limit = 30s;
  const auto limited = Program(options).wait();
  EXPECT_EQ(limited.exit_code, 125);
  EXPECT_THAT(limited.err, HasSubstr("the box does not answer"));
  for (const auto* const client : {&interrupted, &terminated}) {
    const auto& program = *client;
    const auto ended = program->wait();
    EXPECT_FALSE(ended.timed_out);
    // Which of two that come at once is read first is the kernel's affair.
    EXPECT_THAT(ended.exit_code, testing::AnyOf(128 + SIGINT, 128 + SIGTERM));
    EXPECT_THAT(ended.err, HasSubstr("the box does not answer"));
  }
  ::kill(vmm, SIGCONT);
  EXPECT_EQ(run({"exec", "w", "echo", "alive"}).out, "alive\n");
}

}  // namespace
}  // namespace boxlite::test
