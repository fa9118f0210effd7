// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <thread>

#include <sys/utsname.h>

#include "base/files.h"
#include "cli/vm_test_home.h"
#include "support/program.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

class RunVmTest : public VmTest {};

bool comes_true(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(RunVmTest, PrintsWhatTheCommandPrintsAndNothingElse) {
  const auto result = run({"run", "--rm", "--", "echo", "-n", "hello", "-la"});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_EQ(result.out, "hello -la");
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(RunVmTest, ExitsAsTheCommandDoes) {
  EXPECT_EQ(shell("exit 7").exit_code, 7);
  EXPECT_EQ(shell("kill -TERM $$", {"--init"}).exit_code, 143);
  EXPECT_EQ(shell("kill -KILL $$", {"--init"}).exit_code, 137);
}

TEST_F(RunVmTest, SaysWhyACommandCannotStart) {
  const auto missing = run({"run", "--rm", "--", "no-such-program"});
  EXPECT_EQ(missing.code(), 127);
  EXPECT_THAT(missing.err,
              AllOf(StartsWith("boxlite: "), HasSubstr("no-such-program"), HasSubstr("not found")));
  const auto no_program = run({"run", "--rm", "--", "/etc/passwd"});
  EXPECT_EQ(no_program.code(), 126);
  EXPECT_THAT(no_program.err, StartsWith("boxlite: "));
  EXPECT_THAT(run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(RunVmTest, KeepsTheStreamsApart) {
  const auto result = shell("echo out; echo err >&2");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(RunVmTest, CarriesStdinAndStdoutAsBytes) {
  const auto bytes = awkward_bytes(3'000'000);
  const auto result = run({"run", "--rm", "-i", "--", "cat"}, bytes);
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_TRUE(result.out == bytes) << result.out.size() << " bytes";
}

TEST_F(RunVmTest, GivesTheCommandNoStdinUnlessAsked) {
  EXPECT_EQ(run({"run", "--rm", "--", "cat"}, "unread").out, "");
}

TEST_F(RunVmTest, AppliesWhatWasAskedFor) {
  const auto result = shell("echo $A; pwd; id -u; hostname",
                            {"-e", "A=x=y", "-w", "/tmp", "-u", "1000", "--hostname", "thebox"});
  EXPECT_EQ(result.out, "x=y\n/tmp\n1000\nthebox\n") << result.err;
}

TEST_F(RunVmTest, RunsOnAKernelOfItsOwn) {
  utsname host{};
  ASSERT_EQ(::uname(&host), 0);
  const auto result = run({"run", "--rm", "--", "uname", "-r"});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_THAT(result.out, testing::Not(host.release + std::string("\n")));
}

TEST_F(RunVmTest, KeepsTheBoxUnlessItIsToBeRemoved) {
  EXPECT_EQ(run({"run", "--name", "once", "--", "sh", "-c", "echo kept > /f; exit 3"}).code(), 3);
  EXPECT_THAT(run({"ls", "-a"}).out, AllOf(HasSubstr("once"), HasSubstr("Exited (3)")));
  EXPECT_EQ(run({"inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "once"}).out, "stopped 3\n");
  EXPECT_EQ(run({"exec", "once", "true"}).code(), 125) << "its command has ended";
  EXPECT_EQ(run({"file", "cat", "once", "/f"}).out, "kept\n") << "files need no command";
  EXPECT_EQ(run({"start", "once"}).code(), 0) << "also right after, while the machine for the copy is up";
  EXPECT_EQ(run({"wait", "once"}).out, "3\n");
}

TEST_F(RunVmTest, RunsDetached) {
  const auto started = run({"run", "-d", "--name", "server", "--", "sleep", "1000"});
  ASSERT_EQ(started.code(), 0) << started.err;
  EXPECT_THAT(started.out, MatchesRegex("[0-9A-Za-z]{12}\n"));
  EXPECT_THAT(run({"ls"}).out, AllOf(HasSubstr("server"), HasSubstr("Up ")));
  EXPECT_EQ(run({"exec", "server", "echo", "in"}).out, "in\n");
  EXPECT_EQ(run({"rm", "server"}).code(), 125);
  EXPECT_EQ(run({"stop", "server"}).code(), 0);
  EXPECT_THAT(run({"ls"}).out, testing::Not(HasSubstr("server")));
}

TEST_F(RunVmTest, EndsAsCatWouldWhenNobodyReads) {
  Program program(home().command({"run", "--rm", "--", "yes"}));
  ASSERT_TRUE(program.wait_for_output("y\n", 90s));
  program.close_stdout();
  const auto result = program.wait();
  EXPECT_EQ(result.code(), 128 + SIGPIPE) << result.err;
}

TEST_F(RunVmTest, PassesSignalsOn) {
  Program program(home().command({"run", "--rm", "--", "sh", "-c",
                                  "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.1; done"}));
  ASSERT_TRUE(program.wait_for_output("ready\n", 90s));
  program.send_signal(SIGTERM);
  const auto result = program.wait();
  EXPECT_EQ(result.out, "ready\ngot\n");
  EXPECT_EQ(result.exit_code, 5) << result.err;
}

TEST_F(RunVmTest, KillsACommandThatIgnoresTheFirstInterrupt) {
  Program program(home().command(
      {"run", "--rm", "--", "sh", "-c", "trap 'echo again' INT; echo ready; while :; do sleep 0.1; done"}));
  ASSERT_TRUE(program.wait_for_output("ready\n", 90s));
  program.send_signal(SIGINT);
  ASSERT_TRUE(program.wait_for_output("again\n", 60s));
  program.send_signal(SIGINT);
  EXPECT_EQ(program.wait().code(), 137);
}

TEST_F(RunVmTest, StopsACommandAtItsTimeLimit) {
  const auto result = shell("sleep 100 & sleep 100", {"--timeout", "500ms"});
  EXPECT_EQ(result.code(), 137);
  EXPECT_THAT(result.err, HasSubstr("its time was up"));
}

TEST_F(RunVmTest, LeavesNothingRunningWhenItIsKilled) {
  {
    Program program(home().command({"run", "--rm", "--", "sh", "-c", "echo ready; sleep 1000"}));
    ASSERT_TRUE(program.wait_for_output("ready\n", 90s));
    program.send_signal(SIGKILL);
    program.wait();
  }
  EXPECT_THAT(wait_until_gone(home().directory(), 40s), testing::SizeIs(0));
  EXPECT_THAT(run({"ls", "-q"}).out, IsEmpty());
}

TEST_F(RunVmTest, RunsEightBoxesAtOnce) {
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 8; ++i) {
    auto options = home().command(
        {"run", "--rm", "--", "sh", "-c", "echo " + std::to_string(i) + "; exit " + std::to_string(i)});
    options.limit = 300s;
    programs.push_back(std::make_unique<Program>(options));
  }
  for (int i = 0; i < 8; ++i) {
    const auto result = programs[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(result.exit_code, i) << result.err;
    EXPECT_EQ(result.out, std::to_string(i) + "\n");
  }
}

// Each is made at another point of a start.
TEST_F(RunVmTest, ABoxForOnceGoesWheneverItsClientIsKilled) {
  const auto boxes = home().home() / "boxes";
  for (const auto* const sign : {"", "first-start", "shim.lock", "shim.json"}) {
    Program client(home().command({"run", "--rm", "--", "sleep", "1000"}));
    const auto has_sign = [&] {
      const auto entries = entries_of(boxes);
      return !entries.empty() && is_there(entries.front() / sign);
    };
    ASSERT_TRUE(comes_true(has_sign)) << sign;
    client.send_signal(SIGKILL);
    client.wait();
    EXPECT_TRUE(comes_true([] { return run({"ls", "-aq"}).out.empty(); }))
        << "killed once there was " << sign;
    EXPECT_TRUE(comes_true([&] { return entries_of(boxes).empty(); })) << sign;
  }
}

}  // namespace
}  // namespace boxlite::test
