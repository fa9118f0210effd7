// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/ids.h"
#include "guest_machine.h"

namespace boxlite::test {
namespace {

// One machine for all tests that leave it as they found it: a boot costs more than all of them.
class AgentTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (GuestMachine::missing_part().empty()) machine_ = GuestMachine::boot();
  }
  static void TearDownTestSuite() { machine_.reset(); }
  void SetUp() override {
    if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
    ASSERT_NE(machine_, nullptr);
  }

  static CommandOutcome run(std::vector<std::string> args) {
    Command command(*machine_, std::move(args));
    return finish(command.start());
  }
  static CommandOutcome shell(const std::string& script) { return run({"sh", "-c", script}); }
  static CommandOutcome finish(Command& command) {
    auto outcome = command.finish();
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome.value_or(CommandOutcome{});
  }

  static void kill_command(const std::string& id) {
    wire::msg::SignalRequest request;
    request.set_id(id);
    request.set_signal(SIGKILL);
    request.set_whole_group(true);
    EXPECT_TRUE(machine_->call<wire::ExecSignal>(request));
  }

  static std::unique_ptr<GuestMachine> machine_;
};
std::unique_ptr<GuestMachine> AgentTest::machine_;

TEST_F(AgentTest, RunsACommandAndTellsItsOutputAndExitCode) {
  const auto outcome = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
  EXPECT_EQ(outcome.code(), 7) << outcome.result.error();
  EXPECT_GT(outcome.pid, 1u);
  EXPECT_GE(outcome.result.ended_at_ns(), outcome.result.started_at_ns());
  EXPECT_GT(outcome.result.cpu_ns(), 0u);
  EXPECT_GT(outcome.result.peak_memory_bytes(), 0u);
}

// ---- how a command starts and ends -----------------------------------------------------------------------

TEST_F(AgentTest, TellsTheSignalThatEndedACommand) {
  const auto outcome = shell("kill -9 $$");
  EXPECT_EQ(outcome.result.end_case(), wire::msg::ExecResult::kSignal);
  EXPECT_EQ(outcome.result.signal(), static_cast<unsigned>(SIGKILL));
}

TEST_F(AgentTest, Says127ForAProgramThatIsNotThereAnd126ForOneThatCannotRun) {
  const auto check = [](const std::string& name, int code, const std::string& text) {
    const auto outcome = run({name});
    EXPECT_EQ(outcome.code(), code) << name;
    EXPECT_NE(outcome.result.error().find(text), std::string::npos) << outcome.result.error();
    EXPECT_EQ(outcome.pid, 0u) << "it was never started";
  };
  check("nosuchprogram", 127, "exec \"nosuchprogram\": not found in PATH");
  check("/bin/nosuchprogram", 127, "no such file or directory");
  check("/bin/sh/x", 127, "no such file or directory");
  check("/opt/tools/lostinterpreter", 127, "its interpreter \"/nowhere/python\" is missing");
  check("/opt/tools/notexecutable", 126, "Permission denied");
  check("/opt/tools/noshebang", 126, "Exec format error");
  check("/etc", 126, "is a directory");
}

TEST_F(AgentTest, RefusesRequestsThatMakeNoSense) {
  const auto refused = [](Command& command) {
    const auto outcome = command.start().finish();
    EXPECT_FALSE(outcome);
    return outcome ? ErrorCode::internal : outcome.error().code();
  };
  Command without_args(*machine_, {});
  EXPECT_EQ(refused(without_args), ErrorCode::invalid_argument);
  Command unknown_user(*machine_, {"true"});
  EXPECT_EQ(refused(unknown_user.user("nobody")), ErrorCode::invalid_argument);
  Command with_zero(*machine_, {"echo", std::string("a\0b", 3)});
  EXPECT_EQ(refused(with_zero), ErrorCode::invalid_argument);
  Command first(*machine_, {"true"});
  finish(first.start());
  Command second(*machine_, {"true"});
  second.request().set_id(first.id());
  EXPECT_EQ(refused(second), ErrorCode::already_exists);
  EXPECT_EQ(machine_->call<wire::GuestConfigure>({}).error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(machine_->call<wire::GuestStartContainer>({}).error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(machine_->call<wire::ShimWaitReady>({}).error().code(), ErrorCode::unsupported);
}

TEST_F(AgentTest, MergesTheEnvironmentAndMakesTheWorkingDirectory) {
  Command command(*machine_, {"sh", "-c", "env | sort; pwd; umask"});
  command.request().add_env("OVERRIDDEN=command");
  command.request().add_env("MINE=x=y");
  command.request().set_working_dir("/made/for/this");
  const auto outcome = finish(command.start());
  for (const char* line : {"FROM_IMAGE=1\n", "OVERRIDDEN=command\n", "MINE=x=y\n", "HOME=/root\n",
                           "HOSTNAME=testbox\n", "PATH=/usr/local/sbin:", "\n/made/for/this\n0022\n"}) {
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << outcome.out;
  }
  EXPECT_EQ(outcome.out.find("OVERRIDDEN=image"), std::string::npos);
  EXPECT_EQ(outcome.out.find("TERM="), std::string::npos);
}

TEST_F(AgentTest, PassesArgumentsAndEnvironmentThatAreNotUtf8) {
  Command command(*machine_, {"sh", "-c", "printf %s \"$1$X\"", "sh", "a\xff\xfe"});
  command.request().add_env("X=\x80z");
  EXPECT_EQ(finish(command.start()).out, "a\xff\xfe\x80z");
  EXPECT_EQ(run({"/no\xff"}).code(), 127);
}

// ---- who it is and what it may do ------------------------------------------------------------------------

TEST_F(AgentTest, RunsAsTheUserWithItsGroupsAndCapabilities) {
  const std::string report = "id -u; id -g; id -G; echo $HOME; grep -E '^Cap' /proc/self/status";
  const auto root = shell(report).out;
  EXPECT_TRUE(root.starts_with("0\n0\n0\n/root\n")) << root;
  for (const char* line :
       {"CapInh:\t0000000000000000", "CapPrm:\t00000000a80425fb", "CapEff:\t00000000a80425fb",
        "CapBnd:\t00000000a80425fb", "CapAmb:\t0000000000000000"}) {
    EXPECT_NE(root.find(line), std::string::npos) << line << "\n" << root;
  }
  Command as_web(*machine_, {"sh", "-c", report});
  const auto text = finish(as_web.user("web").start()).out;
  EXPECT_TRUE(text.starts_with("1000\n1000\n1000 2000\n/home/web\n")) << text;
  EXPECT_NE(text.find("CapPrm:\t0000000000000000"), std::string::npos) << text;
  EXPECT_NE(text.find("CapBnd:\t00000000a80425fb"), std::string::npos) << text;
  Command by_number(*machine_, {"sh", "-c", "id -u; id -g; echo x > /dev/stdout"});
  EXPECT_EQ(finish(by_number.user("4242:77").start()).out, "4242\n77\nx\n");
}

TEST_F(AgentTest, SeesOnlyItsOwnProcessesFilesAndName) {
  const auto processes = shell("ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; hostname; ls / | tr '\\n' ' '");
  std::istringstream lines(processes.out);
  int count = 0;
  lines >> count;
  EXPECT_LE(count, 5) << processes.out;
  EXPECT_NE(processes.out.find("init\ntestbox\n"), std::string::npos) << processes.out;
  EXPECT_EQ(processes.out.find("newroot"), std::string::npos) << "the initramfs is in sight";
  const auto mounts = shell("cat /proc/self/mounts").out;
  EXPECT_EQ(mounts.find("/run/box"), std::string::npos) << mounts;
  EXPECT_EQ(mounts.find("devtmpfs"), std::string::npos) << mounts;
  EXPECT_EQ(shell("cat /proc/self/cgroup").out.substr(0, 5), "0::/e");
  EXPECT_NE(shell("readlink /proc/1/exe").code(), 0);
}

TEST_F(AgentTest, HasTheDevicesAndHidesTheDangerousPaths) {
  const auto outcome = shell(
      "for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done;"
      "head -c 3 /dev/zero | wc -c; echo x > /dev/null; test -d /dev/pts && test -d /dev/shm && test -d "
      "/dev/mqueue || echo no dirs;"
      "readlink /dev/fd; readlink /dev/stdout; readlink /dev/ptmx; ls /dev | wc -l;"
      "cat /proc/keys | wc -c; ls /sys/firmware | wc -l;"
      "echo 1 > /proc/sys/kernel/panic; mkdir /sys/fs/cgroup/x; echo 1 > "
      "/sys/kernel/rcu_expedited; "
      "half=$(awk '/MemTotal/ {print int($2 / 2)}' /proc/meminfo); size=$(df -k /dev/shm | awk 'END {print "
      "$2}');"
      "test $((half - size)) -le 4 && test $((size - half)) -le 4 && echo half; stat -c %a /dev/shm "
      "/dev/pts/ptmx /dev/null");
  EXPECT_TRUE(outcome.out.starts_with(
      "3\n/proc/self/fd\n/proc/self/fd/1\npts/ptmx\n14\n0\n0\nhalf\n1777\n666\n666\n"))
      << outcome.out;
  std::size_t refusals = 0;
  for (auto at = outcome.err.find("Read-only"); at != std::string::npos;
       at = outcome.err.find("Read-only", at + 1)) {
    ++refusals;
  }
  EXPECT_EQ(refusals, 3u) << outcome.err;
}

TEST_F(AgentTest, GivesItsOwnHostsHostnameAndResolverWithoutTouchingTheImages) {
  EXPECT_NE(shell("cat /etc/hosts").out.find("192.0.2.7\tfriend.example\n"), std::string::npos);
  EXPECT_EQ(shell("cat /etc/hostname").out, "testbox\n");
  // A dangling symlink in the image: followed inside the root.
  EXPECT_EQ(shell("cat /etc/resolv.conf; readlink /etc/resolv.conf").out,
            "nameserver 192.0.2.53\n../run/resolv/stub.conf\n");
  EXPECT_EQ(shell("test $(date +%Y) -ge 2025 && ip link show lo | grep -c UP").out, "1\n");
}

TEST_F(AgentTest, GrowsTheFileSystemToItsDisk) {
  const auto outcome = shell("df -k / | tail -1 | awk '{print $2}'");
  EXPECT_GT(std::atoi(outcome.out.c_str()), 200'000) << outcome.out;
}

TEST_F(AgentTest, SetsTheDefaultLimitOfOpenFiles) {
  EXPECT_EQ(shell("ulimit -n; ulimit -Hn").out, "1048576\n1048576\n");
}

// ---- streams ---------------------------------------------------------------------------------------------

TEST_F(AgentTest, CarriesEveryByteBothWays) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += random_bytes(1u << 20);
  Command command(*machine_, {"cat"});
  command.with_stdin().start();
  command.send_stdin(bytes);
  command.close_stdin();
  const auto outcome = finish(command);
  EXPECT_EQ(outcome.out.size(), bytes.size());
  EXPECT_TRUE(outcome.out == bytes);
  EXPECT_EQ(outcome.code(), 0);
}

TEST_F(AgentTest, GivesAnEmptyStdinUnlessAskedForOne) {
  EXPECT_EQ(shell("wc -c; readlink /proc/self/fd/0").out, "0\n/dev/null\n");
}

TEST_F(AgentTest, SwallowsInputThatTheCommandDoesNotWant) {
  Command command(*machine_, {"sh", "-c", "exec 0<&-; sleep 0.2; echo done"});
  command.with_stdin().start();
  command.send_stdin(std::string(1u << 20, 'x'));
  EXPECT_EQ(finish(command).out, "done\n");
}

TEST_F(AgentTest, StreamsMuchOutputWithinTheCredit) {
  Command command(*machine_, {"dd", "if=/dev/zero", "bs=64k", "count=1600", "status=none"});
  command.discard_output();
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = finish(command.start());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(outcome.code(), 0);
  EXPECT_EQ(command.bytes_received(), 104857600u);
  std::cerr << "100 MiB of output: " << 100 / took.count() << " MiB/s\n";
}

TEST_F(AgentTest, AStalledClientStopsItsCommandAndNobodyElse) {
  Command stalled(*machine_, {"sh", "-c", "head -c 4000000 /dev/zero; echo > /tmp/all-written"});
  stalled.stop_returning_credit();
  stalled.discard_output();
  stalled.start();
  ASSERT_TRUE(stalled.wait_for_start());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shell("echo still here").out, "still here\n");
  EXPECT_NE(shell("test -e /tmp/all-written").code(), 0) << "the command must block while nobody reads";
  EXPECT_FALSE(stalled.has_ended());
  // Detached, it may go on.
  stalled.reset();
  wire::msg::WaitRequest wait;
  wait.set_id(stalled.id());
  const auto end = machine_->call<wire::ExecWait>(wait);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_code(), 0u);
  EXPECT_EQ(shell("test -e /tmp/all-written && rm /tmp/all-written").code(), 0);
}

TEST_F(AgentTest, ResetsAStreamThatIgnoresItsCredit) {
  Command command(*machine_, {"sleep", "100"});
  command.with_stdin().start();
  ASSERT_TRUE(command.wait_for_start());
  wire::msg::ExecInput input;
  input.set_stdin(std::string(60'000, 'x'));
  for (int i = 0; i < 10; ++i) command.send_unchecked(input);
  const auto outcome = command.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::cancelled);
  kill_command(command.id());
}

TEST_F(AgentTest, AllOutputPrecedesTheResultEvenWhenABackgroundChildKeepsThePipe) {
  for (int i = 0; i < 20; ++i) {
    const auto outcome = shell("sleep 5 & i=0; while [ $i -lt 200 ]; do echo 0123456789; i=$((i+1)); done");
    EXPECT_EQ(outcome.out.size(), 200u * 11);
  }
  Command command(*machine_, {"sh", "-c", "sleep 30 & echo $!"});
  const auto begin = std::chrono::steady_clock::now();
  finish(command.start());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(shell("pidof sleep > /dev/null").code(), 0) << "what a command leaves behind goes on";
  shell("killall sleep");
}

TEST_F(AgentTest, AttachesByOffsetWhileItRunsAndAfterItsEnd) {
  Command command(*machine_, {"sh", "-c", "printf 0123456789; read x; printf abc"});
  command.with_stdin().start();
  ASSERT_TRUE(command.wait_for_output("0123456789"));
  Command late(*machine_, {});
  late.attach(command.id(), 4);
  ASSERT_TRUE(late.wait_for_output("456789"));
  EXPECT_EQ(late.first_offset(), 4u);
  command.send_stdin("go\n");
  EXPECT_EQ(finish(command).out, "0123456789abc");
  EXPECT_EQ(finish(late).out, "456789abc");
  Command after(*machine_, {});
  EXPECT_EQ(finish(after.attach(command.id(), 10)).out, "abc");
  EXPECT_EQ(after.so_far().result.exit_code(), 0u);
  Command unknown(*machine_, {});
  EXPECT_EQ(unknown.attach("nosuch").finish().error().code(), ErrorCode::not_found);
}

TEST_F(AgentTest, KeepsTheLastPartOfWhatNobodyReads) {
  Command command(*machine_, {"sh", "-c", "read x; head -c 1000000 /dev/zero; printf end"});
  command.with_stdin().start();
  ASSERT_TRUE(command.wait_for_start());
  command.send_stdin("\n");
  command.reset();
  wire::msg::WaitRequest wait;
  wait.set_id(command.id());
  ASSERT_TRUE(machine_->call<wire::ExecWait>(wait));
  Command late(*machine_, {});
  const auto outcome = finish(late.attach(command.id()));
  EXPECT_EQ(outcome.out.size(), 256u << 10);
  EXPECT_TRUE(outcome.out.ends_with("end"));
  EXPECT_EQ(late.first_offset(), 1000003u - (256u << 10));
}

// ---- terminals -------------------------------------------------------------------------------------------

TEST_F(AgentTest, GivesATerminalThatCanBeResizedAndEnded) {
  Command command(*machine_, {"sh", "-c", "stty size; tty; echo $TERM; read x; stty size; cat; echo over"});
  command.with_stdin();
  command.request().mutable_terminal()->set_rows(33);
  command.request().mutable_terminal()->set_columns(101);
  command.start();
  ASSERT_TRUE(command.wait_for_output("33 101\r\n/dev/pts/")) << command.so_far().out;
  ASSERT_TRUE(command.wait_for_output("xterm\r\n"));
  wire::msg::ExecInput resize;
  resize.mutable_resize()->set_rows(44);
  resize.mutable_resize()->set_columns(102);
  command.send(resize);
  command.send_stdin("\n");
  ASSERT_TRUE(command.wait_for_output("44 102\r\n"));
  command.send_stdin("typed\n");
  ASSERT_TRUE(command.wait_for_output("typed\r\ntyped\r\n"));
  command.close_stdin();
  const auto outcome = finish(command);
  EXPECT_TRUE(outcome.out.ends_with("over\r\n")) << outcome.out;
  EXPECT_TRUE(outcome.err.empty());
}

TEST_F(AgentTest, ControlCInATerminalInterruptsTheProgram) {
  Command command(*machine_, {"sh", "-c", "echo ready; sleep 100"});
  command.with_stdin();
  command.request().mutable_terminal()->set_rows(24);
  command.start();
  ASSERT_TRUE(command.wait_for_output("ready"));
  command.send_stdin("\x03");
  EXPECT_EQ(finish(command).code(), 128 + SIGINT);
}

// ---- signals, time limits, what is left ------------------------------------------------------------------

TEST_F(AgentTest, SignalsTheProcessOrItsWholeGroup) {
  Command command(*machine_,
                  {"sh", "-c", "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done"});
  command.start();
  ASSERT_TRUE(command.wait_for_output("ready"));
  wire::msg::SignalRequest request;
  request.set_id(command.id());
  request.set_signal(SIGTERM);
  ASSERT_TRUE(machine_->call<wire::ExecSignal>(request));
  const auto outcome = finish(command);
  EXPECT_EQ(outcome.code(), 3);
  EXPECT_EQ(outcome.out, "ready\ngot\n");
  EXPECT_EQ(machine_->call<wire::ExecSignal>(request).error().code(), ErrorCode::invalid_state);
  Command family(*machine_, {"sh", "-c", "sleep 987 & sleep 987 & echo ready; wait"});
  family.start();
  ASSERT_TRUE(family.wait_for_output("ready"));
  request.set_id(family.id());
  request.set_whole_group(true);
  ASSERT_TRUE(machine_->call<wire::ExecSignal>(request));
  EXPECT_EQ(finish(family).code(), 128 + SIGTERM);
  EXPECT_EQ(shell("pgrep -f 'sleep 98[7]' | wc -l").out, "0\n");
}

TEST_F(AgentTest, ATimeLimitEndsEveryChild) {
  Command command(*machine_, {"sh", "-c", "sleep 654 & setsid sleep 654 & sleep 654"});
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = finish(command.timeout_ms(500).start());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  EXPECT_TRUE(outcome.result.timed_out());
  EXPECT_EQ(outcome.code(), 128 + SIGKILL);
  EXPECT_EQ(shell("pgrep -f 'sleep 65[4]' | wc -l").out, "0\n");
}

TEST_F(AgentTest, ListsCommands) {
  Command command(*machine_, {"sleep", "100"});
  command.start();
  ASSERT_TRUE(command.wait_for_start());
  const auto list = machine_->call<wire::ExecList>({});
  ASSERT_TRUE(list);
  bool found = false;
  for (const auto& entry : list->execs()) {
    if (entry.id() != command.id()) continue;
    found = true;
    EXPECT_TRUE(entry.is_running());
    EXPECT_EQ(entry.args(1), "100");
  }
  EXPECT_TRUE(found);
  kill_command(command.id());
  finish(command);
}

TEST_F(AgentTest, FiveHundredCommandsLeaveNothingBehind) {
  // What the agent holds, seen from inside: its cgroups and, in the machine's memory, everything else.
  const std::string report =
      "ls -d /sys/fs/cgroup/e* | wc -l; grep -E 'MemAvailable' /proc/meminfo | awk '{print $2}'";
  for (int i = 0; i < 260; ++i) shell("true");
  const auto read_report = [&] {
    std::istringstream text(shell(report).out);
    std::pair<long, long> values;
    text >> values.first >> values.second;
    return values;
  };
  const auto before = read_report();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 500; ++i) EXPECT_EQ(run({"/bin/true"}).code(), 0);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  const auto after = read_report();
  std::cerr << "one command: " << took.count() / 500 << " ms\n";
  EXPECT_LE(after.first, before.first + 1);
  EXPECT_GT(after.second, before.second - 4096) << "KiB available";
}

TEST_F(AgentTest, RunsManyCommandsAtOnce) {
  std::vector<std::unique_ptr<Command>> commands;
  for (int i = 0; i < 100; ++i) {
    commands.push_back(std::make_unique<Command>(
        *machine_, std::vector<std::string>{"sh", "-c", concat("sleep 0.3; echo ", i)}));
    commands.back()->start();
  }
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(finish(*commands[static_cast<std::size_t>(i)]).out, concat(i, "\n"));
}

TEST_F(AgentTest, OutOfMemoryEndsTheCommandOnly) {
  const auto outcome = shell("exec tail /dev/zero");
  EXPECT_EQ(outcome.code(), 128 + SIGKILL);
  EXPECT_TRUE(outcome.result.oom_killed());
  EXPECT_EQ(shell("echo alive").out, "alive\n");
}

TEST_F(AgentTest, AnswersCallsOfUnknownMethodsAndSurvivesNonsense) {
  auto& out = machine_->out();
  const auto stream = machine_->new_stream();
  out.request(stream, "\xff\xff not a message");
  out.data(stream, "stray", 0);
  out.window(stream, 7);
  out.reset(stream);
  machine_->flush();
  EXPECT_TRUE(machine_->call<wire::GuestPing>({}));
}

// ---- the end of the machine ------------------------------------------------------------------------------

TEST(AgentEnd, ShutdownAsksThenKillsThenPowersOffWithACleanDisk) {
  if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
  const auto machine = GuestMachine::boot();
  ASSERT_NE(machine, nullptr);
  Command polite(
      *machine,
      {"sh", "-c", "trap 'echo bye > /said; exit 0' TERM; echo ready; while :; do sleep 0.05; done"});
  Command stubborn(*machine, {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"});
  polite.start();
  stubborn.start();
  ASSERT_TRUE(polite.wait_for_output("ready"));
  ASSERT_TRUE(stubborn.wait_for_output("ready"));
  wire::msg::ShutdownRequest request;
  request.set_grace_ms(700);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(machine->call<wire::GuestShutdown>(request));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(600));
  EXPECT_TRUE(machine->wait_for_end(Deadline::after(std::chrono::seconds(5)))) << machine->console();
  EXPECT_EQ(std::system(concat("/sbin/e2fsck -fn ", machine->disk().native(), " >/dev/null 2>&1").c_str()),
            0);
  EXPECT_EQ(std::system(concat("/sbin/debugfs -R 'cat /said' ", machine->disk().native(),
                               " 2>/dev/null | grep -q bye")
                            .c_str()),
            0);
  EXPECT_EQ(std::system(concat("/sbin/debugfs -R 'cat /etc/hosts' ", machine->disk().native(),
                               " 2>/dev/null | grep -q \"image's own\"")
                            .c_str()),
            0);
}

TEST(AgentEnd, TheEndOfTheMainCommandEndsTheMachine) {
  if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
  const auto machine = GuestMachine::boot();
  ASSERT_NE(machine, nullptr);
  Command other(*machine, {"sleep", "1000"});
  other.start();
  ASSERT_TRUE(other.wait_for_start());
  Command main(*machine, {"sh", "-c", "echo from main; exit 9"});
  main.request().set_is_main(true);
  const auto outcome = main.start().finish();
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->out, "from main\n");
  EXPECT_EQ(outcome->code(), 9);
  EXPECT_TRUE(machine->wait_for_end(Deadline::after(std::chrono::seconds(8)))) << machine->console();
  EXPECT_EQ(std::system(concat("/sbin/e2fsck -fn ", machine->disk().native(), " >/dev/null 2>&1").c_str()),
            0);
}

// ---- the clock -------------------------------------------------------------------------------------------

TEST_F(AgentTest, TheClockFollowsTheHostsAndGoesBackOnlyWithIt) {
  constexpr std::int64_t second = 1'000'000'000;
  // How far behind it says that it was.
  const auto tell = [](std::int64_t unix_ns) -> std::int64_t {
    wire::msg::SetClockRequest request;
    request.set_wall_clock_ns(static_cast<std::uint64_t>(unix_ns));
    const auto told = machine_->call<wire::GuestSetClock>(request);
    EXPECT_TRUE(told) << told.error().message();
    return told ? told->was_behind_ns() : 0;
  };
  const auto start = std::atoll(shell("date +%s").out.c_str()) * second;
  const auto later = start + 5000 * second;
  EXPECT_GT(tell(later), 4900 * second);
  EXPECT_LE(tell(later), 0) << "one step forward";
  EXPECT_LE(tell(later - second / 2), -second / 2);
  EXPECT_LE(tell(later - second / 2), -second / 2) << "less than a second ahead: not put back";
  EXPECT_LT(tell(start), -4900 * second);
  EXPECT_GT(tell(start), -100 * second) << "the host's went back";
  EXPECT_LT(std::atoll(shell("date +%s").out.c_str()) * second, start + 100 * second);
}

TEST(AgentEnd, AnUnusableDiskIsAnErrorNotTheEnd) {
  if (const auto missing = GuestMachine::missing_part(); !missing.empty()) GTEST_SKIP() << missing;
  const auto machine = GuestMachine::boot_bare();
  ASSERT_TRUE(machine->call<wire::GuestHello>({}));
  ASSERT_TRUE(machine->call<wire::GuestConfigure>({}));
  wire::msg::StartContainerRequest request;
  request.mutable_container()->add_capabilities("CAP_OF_MAKING_TEA");
  EXPECT_EQ(machine->call<wire::GuestStartContainer>(request).error().code(), ErrorCode::invalid_argument);
  request.mutable_container()->clear_capabilities();
  request.mutable_container()->set_root_device("/dev/nosuch");
  const auto started = machine->call<wire::GuestStartContainer>(request);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("mount root disk: open \"/dev/nosuch\""), std::string::npos)
      << started.error().message();
  EXPECT_TRUE(machine->call<wire::GuestPing>({}));
  EXPECT_TRUE(machine->call<wire::GuestShutdown>({}));
  EXPECT_TRUE(machine->wait_for_end(Deadline::after(std::chrono::seconds(5))));
}

TEST_F(AgentTest, APreparedContainerBecomesThatOfTheBoxThatComesLater) {
  const auto machine = GuestMachine::boot_bare();
  ASSERT_TRUE(machine->call<wire::GuestHello>({}));
  wire::msg::ConfigureRequest identity;
  identity.set_hostname("nobody-in-particular");
  ASSERT_TRUE(machine->call<wire::GuestConfigure>(identity));
  wire::msg::StartContainerRequest request;
  request.mutable_container()->set_root_device("/dev/vda");
  request.set_only_prepare(true);
  for (const auto* path : {"/bin/sh", "/no/such/file", "/bin", "relative", "/../../etc/passwd"})
    request.add_needed_soon(path);
  const auto prepared = machine->call<wire::GuestStartContainer>(request);
  ASSERT_TRUE(prepared) << prepared.error().message();

  wire::msg::ExecRequest command;
  command.set_id("early");
  command.add_args("true");
  EXPECT_EQ(machine->call<wire::ExecStart>(command).error().code(), ErrorCode::invalid_state);

  identity.set_hostname("mine");
  ASSERT_TRUE(machine->call<wire::GuestConfigure>(identity));
  request.set_only_prepare(false);
  request.mutable_container()->set_privileged(true);
  EXPECT_EQ(machine->call<wire::GuestStartContainer>(request).error().code(), ErrorCode::invalid_argument)
      << "it was prepared with masks";
  request.mutable_container()->set_privileged(false);
  request.mutable_container()->add_env("GREETING=hello");
  request.mutable_container()->set_working_dir("/made/for/it");
  auto& tmpfs = *request.mutable_container()->add_mounts();
  tmpfs.set_target("/scratch");
  ASSERT_TRUE(machine->call<wire::GuestStartContainer>(request));
  EXPECT_EQ(machine->call<wire::GuestConfigure>(identity).error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(machine->call<wire::GuestStartContainer>(request).error().code(), ErrorCode::invalid_state);

  Command look(*machine, {"sh", "-c",
                          "hostname; cat /etc/hostname; grep -c mine /etc/hosts; echo $GREETING $PWD; "
                          "grep -c ' /scratch tmpfs' /proc/mounts"});
  EXPECT_EQ(finish(look.start()).out, "mine\nmine\n1\nhello /made/for/it\n1\n");
  EXPECT_TRUE(machine->call<wire::GuestShutdown>({}));
  EXPECT_TRUE(machine->wait_for_end(Deadline::after(std::chrono::seconds(5))));
}

}  // namespace
}  // namespace boxlite::test
