// SPDX-License-Identifier: Apache-2.0
// Whatever is killed or missing: a clear error, nothing left running, and the box can be used again.
#include <csignal>

#include <sys/resource.h>
#include <unistd.h>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

class FaultTest : public BoxTest {
 protected:
  // A directory with the real programs and, for each name, the given bytes in place of the real file.
  std::filesystem::path runtime_dir_with(const std::map<std::string, std::string>& files) const {
    const auto bin = std::filesystem::canonical("/proc/self/exe").parent_path();
    const auto dir = directory() / "runtime";
    EXPECT_TRUE(make_directories(dir));
    for (const char* name : {"boxlite-shim", "boxlite-thaw", "boxlite-fileserver"})
      std::filesystem::create_symlink(bin / name, dir / name);
    for (const char* name : {"vmlinux", "initramfs.cpio", "base-image.tar"}) {
      const auto replaced = files.find(name);
      if (replaced == files.end()) {
        std::filesystem::create_symlink(bin.parent_path() / "share" / "boxlite" / name, dir / name);
      } else if (!replaced->second.empty()) {
        EXPECT_TRUE(write_file_atomic(dir / name, replaced->second));
      }
    }
    return dir;
  }
};

TEST_F(FaultTest, ABoxDiesWithTheProcessThatWasKilled) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const auto child = fork_process([&] {
    auto runtime = Runtime::open(options());
    auto box = runtime->create({.name = "k"});
    if (!box->start()) return 1;
    auto written = box->exec({.command = {"sh", "-c", "echo kept > /f; sync"}});
    if (!written || !written->wait()) return 1;
    (void)!::write(ready[1], "x", 1);
    ::pause();
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_for(child), 128 + SIGKILL);
  auto runtime = open();
  auto box = runtime.get("k");
  ASSERT_TRUE(box);
  EXPECT_TRUE(becomes(*box, BoxStatus::stopped));
  EXPECT_EQ(run_in(*box, {"cat", "/f"}).out, "kept\n");
}

TEST_F(FaultTest, AKilledShimIsAFailureWithAReason) {
  auto runtime = open();
  auto box = create(runtime);
  auto sleeper = box.exec({.command = {"sleep", "1000"}});
  ASSERT_TRUE(sleeper) << sleeper.error().message();
  ::kill(*box.info()->shim_pid, SIGKILL);
  const auto lost = sleeper->wait();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::stopped);
  EXPECT_TRUE(becomes(box, BoxStatus::failed));
  EXPECT_THAT(box.info()->failure, HasSubstr("killed"));
  EXPECT_EQ(run_in(box, {"echo", "again"}).out, "again\n");
  EXPECT_EQ(box.info()->failure, "");
}

TEST_F(FaultTest, AKilledQemuIsAFailureWithAReason) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  ::kill(*box.info()->vmm_pid, SIGKILL);
  EXPECT_TRUE(becomes(box, BoxStatus::failed));
  EXPECT_THAT(box.info()->failure, HasSubstr("signal 9"));
  EXPECT_EQ(run_in(box, {"echo", "again"}).out, "again\n");
}

TEST_F(FaultTest, AGuestThatDoesNotComeUpIsGivenUp) {
  auto runtime = open();
  auto box = create(runtime, {.start_timeout = 200ms});
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::timed_out) << started.error().message();
  EXPECT_THAT(started.error().message(), HasSubstr(box.id()));
  EXPECT_THAT(started.error().remedy(), Not(IsEmpty()));
  EXPECT_EQ(box.info()->status, BoxStatus::failed);
  EXPECT_THAT(box.info()->failure, Not(IsEmpty()));
}

TEST_F(FaultTest, AGuestThatPanicsShowsItsLastWords) {
  auto broken = options();
  broken.runtime_dir = runtime_dir_with({{"initramfs.cpio", std::string(4096, 'x')}});
  auto runtime = Runtime::open(broken);
  ASSERT_TRUE(runtime);
  auto box = create(*runtime, {.start_timeout = 30s});
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("anic")) << started.error().message();
  EXPECT_EQ(box.info()->status, BoxStatus::failed);
}

TEST_F(FaultTest, AMissingKernelIsNamedBeforeAnythingIsTried) {
  auto broken = options();
  broken.runtime_dir = runtime_dir_with({{"vmlinux", ""}});
  auto runtime = Runtime::open(broken);
  ASSERT_TRUE(runtime);
  auto box = create(*runtime);
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("vmlinux"));
  EXPECT_THAT(started.error().remedy(), HasSubstr("quickstart"));
  EXPECT_EQ(box.info()->status, BoxStatus::configured);
}

TEST_F(FaultTest, AMissingQemuIsNamedBeforeAnythingIsTried) {
  const auto child = fork_process([&] {
    ::setenv("PATH", directory().c_str(), 1);
    auto runtime = Runtime::open(options());
    auto box = runtime->create({});
    const auto started = box->start();
    if (started || started.error().message().find("qemu-system-x86_64") == std::string::npos) return 1;
    return started.error().remedy().empty() || box->info()->status != BoxStatus::configured ? 2 : 0;
  });
  EXPECT_EQ(wait_for(child), 0);
}

TEST_F(FaultTest, AnUnknownImageChangesNothing) {
  auto runtime = open();
  auto box = create(runtime, {.image = "localhost:1/nowhere:1"});
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("localhost:1"));
  EXPECT_EQ(box.info()->status, BoxStatus::configured);
}

TEST_F(FaultTest, AFullDiskIsAnErrorAndNotTheEnd) {
  const auto child = fork_process([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto runtime = Runtime::open(options());
    if (!runtime) return 3;
    auto box = runtime->create({.name = "full"});
    if (!box) return 4;
    const auto started = box->start();
    if (started) return 1;
    return started.error().code() == ErrorCode::resource_exhausted ? 0 : 2;
  });
  EXPECT_EQ(wait_for(child), 0);
  auto runtime = open();
  auto box = runtime.get("full");
  ASSERT_TRUE(box);
  EXPECT_EQ(run_in(*box, {"echo", "works"}).out, "works\n");
}

TEST_F(FaultTest, AForcedStopPullsThePlug) {
  auto runtime = open();
  auto box = create(runtime);
  auto stubborn = box.exec({.command = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}});
  ASSERT_TRUE(stubborn);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(box.stop({.force = true}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
}

// Whoever waits must not take it for a success.
TEST_F(FaultTest, AForcedStopKillsTheMainCommand) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sleep", "1000"}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(box.pause());
  ASSERT_TRUE(box.stop({.force = true}));
  EXPECT_EQ(box.info()->exit_code, 137);
  EXPECT_EQ(box.wait_stopped()->exit_code, 137);
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
}

}  // namespace
}  // namespace boxlite::test
