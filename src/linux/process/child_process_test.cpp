// SPDX-License-Identifier: Apache-2.0
#include "linux/process/child_process.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "linux/process/process_identity.h"

namespace boxlite::linux_ {
namespace {

constexpr auto limit = std::chrono::seconds(10);

ChildSpec shell(std::string script) {
  return {
      .program = "/bin/sh", .arguments = {"-c", std::move(script)}, .environment = {"PATH=/usr/bin:/bin"}};
}

TEST(ChildProcess, TellsExitCodesFromSignals) {
  auto failing = ChildProcess::spawn(shell("exit 7"));
  ASSERT_TRUE(failing) << failing.error().message();
  EXPECT_EQ(failing->wait(Deadline::after(limit))->exit_code, 7);
  EXPECT_EQ(failing->wait(Deadline::after(limit))->exit_code, 7) << "the end stays the same";
  auto killed = ChildProcess::spawn(shell("kill -TERM $$"));
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->wait(Deadline::after(limit))->signal, SIGTERM);
}

TEST(ChildProcess, ReportsAProgramThatCannotBeExecuted) {
  const auto missing = ChildProcess::spawn({.program = "/no/such/program"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_EQ(missing.error().message(), "execve \"/no/such/program\": No such file or directory");
  const auto no_dir = ChildProcess::spawn({.program = "/bin/true", .working_dir = "/no/such/dir"});
  ASSERT_FALSE(no_dir);
  EXPECT_NE(no_dir.error().message().find("chdir \"/no/such/dir\""), std::string::npos);
}

TEST(ChildProcess, InheritsOnlyWhatIsNamed) {
  const UniqueFd leaked(::open("/dev/null", O_RDONLY));  // deliberately without O_CLOEXEC
  ::setenv("BOXLITE_CHILD_TEST", "leaks", 1);
  const auto run =
      run_and_capture(shell("ls /proc/self/fd; echo \"env=$BOXLITE_CHILD_TEST\""), Deadline::after(limit));
  ::unsetenv("BOXLITE_CHILD_TEST");
  ASSERT_TRUE(run) << run.error().message();
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(run->output, "0\n1\n2\n3\nenv=\n");
}

TEST(ChildProcess, MapsDescriptorsAlsoWhenTheyCross) {
  const auto dir = TempDir::create(testing::TempDir(), "child-");
  ASSERT_TRUE(dir);
  ASSERT_TRUE(write_file_atomic(dir->path() / "a", "A"));
  ASSERT_TRUE(write_file_atomic(dir->path() / "b", "B"));
  const auto a = open_file(dir->path() / "a", O_RDONLY);
  const auto b = open_file(dir->path() / "b", O_RDONLY);
  ASSERT_TRUE(a && b);
  auto spec = shell(concat("cat <&", b->get(), "; cat <&", a->get()));
  spec.fds = {{a->get(), b->get()}, {b->get(), a->get()}};
  const auto run = run_and_capture(spec, Deadline::after(limit));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output, "AB");
}

TEST(ChildProcess, IsKilledWithItsGroupWhenTheOwnerGoes) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  std::optional<ProcessIdentity> identity;
  {
    auto spec = shell("sleep 1000 & echo up; wait");
    spec.group = ProcessGroup::own;
    spec.fds = {{writer.get(), 1}};
    const auto child = ChildProcess::spawn(spec);
    ASSERT_TRUE(child);
    writer.reset();
    char up[3];
    ASSERT_EQ(::read(reader.get(), up, sizeof up), 3);
    identity = *identify_process(child->pid());
    EXPECT_TRUE(is_running(*identity));
  }
  EXPECT_FALSE(is_running(*identity));
  char byte;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0) << "the grandchild held the pipe open";
}

TEST(ChildProcess, LivesOnWhenDetached) {
  std::optional<ProcessHandle> pidfd;
  {
    auto child = ChildProcess::spawn(shell("sleep 1000"));
    ASSERT_TRUE(child);
    pidfd = *ProcessHandle::open(child->pid());
    child->detach();
  }
  EXPECT_FALSE(pidfd->has_ended());
  ASSERT_TRUE(pidfd->send_signal(SIGKILL));
  EXPECT_TRUE(pidfd->wait(Deadline::after(limit)));
  siginfo_t ignored = {};
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(pidfd->fd()), &ignored, WEXITED), 0);
}

TEST(ChildProcess, DiesWithItsParent) {
  // A middle process spawns a sleeping one that must not outlive it.
  auto spec = shell("exec sleep 1000");
  spec.die_with_parent = true;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t middle = ::fork();
  if (middle == 0) {
    spec.fds = {{writer.get(), 1}};
    auto child = ChildProcess::spawn(spec);
    if (child) child->detach();
    ::_exit(child ? 0 : 1);
  }
  ASSERT_GT(middle, 0);
  writer.reset();
  char byte;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0) << "ends once nobody holds the pipe";
  int status = 0;
  ASSERT_EQ(::waitpid(middle, &status, 0), middle);
  EXPECT_EQ(status, 0);
}

TEST(ChildProcess, StartsWithDefaultSignalsWhateverTheParentDoes) {
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto run = run_and_capture(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"), Deadline::after(limit));
  ::signal(SIGPIPE, old_handler);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(RunAndCapture, StopsAtTheDeadlineAndAtTheLimit) {
  const auto slow = run_and_capture(shell("sleep 1000"), Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code(), ErrorCode::timed_out);
  const auto loud = run_and_capture(shell("yes"), Deadline::after(limit), 10'000);
  ASSERT_FALSE(loud);
  EXPECT_EQ(loud.error().code(), ErrorCode::resource_exhausted);
}

TEST(ChildProcess, NamesTheLimitOfDescriptors) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  const ScopeExit restore([&] { ::setrlimit(RLIMIT_NOFILE, &files); });
  const rlimit few{100, files.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  auto spec = shell("true");
  spec.fds = {{0, 150}};
  const auto refused = ChildProcess::spawn(spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::resource_exhausted);
  EXPECT_NE(refused.error().message().find("the limit of open files is 100"), std::string::npos)
      << refused.error().message();
  EXPECT_NE(refused.error().remedy().find("ulimit -n"), std::string::npos);
}

TEST(FindProgram, SearchesThePath) {
  EXPECT_TRUE(find_program("sh"));
  EXPECT_EQ(*find_program("/bin/sh"), "/bin/sh");
  const auto missing = find_program("no-such-program-of-boxlite");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
}

// What is found is run from other working directories.
TEST(FindProgram, AnswersWithAnAbsolutePath) {
  const auto directory = *TempDir::create("/tmp", "find-program-");
  std::filesystem::create_directory(directory.path() / "tools");
  std::filesystem::create_symlink("/bin/sh", directory.path() / "tools/tool");
  const std::string path = std::getenv("PATH");
  const auto before = std::filesystem::current_path();
  const ScopeExit restore([&] {
    ::setenv("PATH", path.c_str(), 1);
    std::filesystem::current_path(before);
  });
  std::filesystem::current_path(directory.path());
  ::setenv("PATH", "tools", 1);
  EXPECT_EQ(*find_program("tool"), directory.path() / "tools/tool");
  EXPECT_EQ(*find_program("tools/tool"), directory.path() / "tools/tool");
}

TEST(ProcessIdentity, IsNotFooledByAnotherStartTimeOrBoot) {
  auto self = *identify_process(::getpid());
  EXPECT_TRUE(is_running(self));
  EXPECT_TRUE(open_process(self));
  auto recycled = self;
  ++recycled.start_ticks;
  EXPECT_FALSE(is_running(recycled));
  self.boot_id = "another boot";
  EXPECT_FALSE(is_running(self));
  EXPECT_EQ(open_process(self).error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace boxlite::linux_
