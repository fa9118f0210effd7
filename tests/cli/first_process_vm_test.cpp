// SPDX-License-Identifier: Apache-2.0
// The main command is process 1 of its box, and is stopped as such.
#include <chrono>
#include <string>
#include <thread>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class FirstProcessVmTest : public VmTest {
 protected:
  // Says "ready" and then what it hears.
  static constexpr const char* listener =
      "for s in TERM QUIT INT USR1; do trap \"echo $s; exit 3\" $s; done; echo ready; while :; do sleep "
      "0.05; done";

  static void start(const std::string& name, std::vector<std::string> options, const std::string& script) {
    options.insert(options.begin(), {"run", "-d", "--name", name});
    options.insert(options.end(), {"--", "sh", "-c", script});
    const auto started = run(options);
    ASSERT_EQ(started.code(), 0) << started.err;
    Program log(home().command({"logs", "-f", name}));
    ASSERT_TRUE(log.wait_for_output("ready\n", 60s));
  }
  static std::string exit_code(const std::string& name) {
    return run({"inspect", "-f", "{{.State.ExitCode}}", name}).out;
  }
};

TEST_F(FirstProcessVmTest, IsTheMainCommand) {
  EXPECT_EQ(shell("echo $$").out, "1\n");
  start("shell", {}, "echo ready; exec sleep 1000");
  EXPECT_EQ(run({"exec", "shell", "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline"}).out, "sleep 1000 ");
  EXPECT_THAT(run({"top", "shell"}).out, HasSubstr("sleep 1000"));
  // It has no ears for TERM, and root in the box is none to kill it.
  EXPECT_EQ(run({"exec", "shell", "sh", "-c", "kill -TERM 1; kill -KILL 1; echo alive"}).out, "alive\n");
  EXPECT_EQ(run({"stop", "-t", "100ms", "shell"}).code(), 0);
  EXPECT_EQ(exit_code("shell"), "137\n");
}

TEST_F(FirstProcessVmTest, GetsTheSignalThatTheBoxIsStoppedWith) {
  start("quit", {"--stop-signal", "SIGQUIT", "--stop-timeout", "20"}, listener);
  EXPECT_EQ(run({"stop", "quit"}).code(), 0);
  EXPECT_EQ(run({"logs", "quit"}).out, "ready\nQUIT\n");
  EXPECT_EQ(exit_code("quit"), "3\n");
  EXPECT_THAT(run({"inspect", "quit"}).out, HasSubstr("\"StopSignal\": \"SIGQUIT\""));
  ASSERT_EQ(run({"start", "quit"}).code(), 0);
  {
    // Process 1 hears nothing before it listens.
    Program log(home().command({"logs", "-f", "quit"}));
    ASSERT_TRUE(log.wait_for_output("QUIT\nready\n", 60s));
  }
  EXPECT_EQ(run({"stop", "-s", "usr1", "--timeout", "20", "quit"}).code(), 0);
  EXPECT_THAT(run({"logs", "quit"}).out, HasSubstr("USR1\n"));
  EXPECT_EQ(run({"create", "--stop-signal", "FOO", "boxlite/base"}).code(), 2);
}

TEST_F(FirstProcessVmTest, MayBeAnInitOfOurs) {
  start("tiny", {"--init"}, "echo $$ > /pid; echo ready; trap 'exit 4' TERM; while :; do sleep 0.05; done");
  EXPECT_EQ(run({"exec", "tiny", "sh", "-c", "test $(cat /pid) -gt 1 && cat /proc/1/comm"}).out, "init\n");
  EXPECT_EQ(run({"stop", "-t", "20s", "tiny"}).code(), 0);
  EXPECT_EQ(exit_code("tiny"), "4\n");
  EXPECT_EQ(run({"run", "--rm", "--init", "--", "sh", "-c", "kill -KILL $$"}).code(), 137);
  EXPECT_EQ(run({"run", "--rm", "--init", "--", "no-such-program"}).code(), 127);
}

TEST_F(FirstProcessVmTest, FindsWhatAServiceManagerExpects) {
  const auto found = shell(
      "echo $container; for d in /run /run/lock /tmp; do grep -c \" $d tmpfs\" /proc/mounts; done; "
      "mkdir /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/init.scope && echo writable",
      {"--systemd"});
  EXPECT_EQ(found.out, "boxlite\n1\n1\n1\nwritable\n") << found.err;
}

TEST_F(FirstProcessVmTest, SeesTheRightTimeAfterAPause) {
  start("paused", {}, "echo ready; exec sleep 1000");
  ASSERT_EQ(run({"pause", "paused"}).code(), 0);
  std::this_thread::sleep_for(3s);  // the passing of time is what is tested
  ASSERT_EQ(run({"unpause", "paused"}).code(), 0);
  const auto before = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto said = std::stoll(run({"exec", "paused", "date", "+%s"}).out);
  EXPECT_GE(said, before - 1);
}

}  // namespace
}  // namespace boxlite::test
