// SPDX-License-Identifier: Apache-2.0
// Machines that are kept up for boxes to come: one box each, whoever takes them, whoever dies.
#include <csignal>
#include <fstream>
#include <thread>

#include "integration/box/box_fixture.h"
#include "shimlink/shim_record.h"

namespace boxlite::test {
namespace {

using testing::Contains;
using testing::Field;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ReadyTest : public BoxTest {
 protected:
  static constexpr StopOptions at_once{.grace = std::chrono::milliseconds(0)};

  // The directories of machines that wait.
  std::vector<std::filesystem::path> waiting() const {
    std::vector<std::filesystem::path> found;
    std::error_code ignored;
    for (const auto& shape : std::filesystem::directory_iterator(home() / "ready", ignored)) {
      for (const auto& entry : std::filesystem::directory_iterator(shape.path(), ignored)) {
        if (std::filesystem::exists(entry.path() / shimlink::shim_record_name)) found.push_back(entry.path());
      }
    }
    return found;
  }
  auto waits(std::size_t count) {
    return [this, count] { return waiting().size() == count; };
  }

  static bool was_claimed(const Box& box) {
    return testing::Matches(Contains(Field(&StartStage::name, "claim")))(box.info()->start_stages);
  }

  static bool is_at_rest(const Box& box) {
    const auto status = box.info()->status;
    return status == BoxStatus::configured || status == BoxStatus::stopped || status == BoxStatus::failed;
  }

  static Box started(Runtime& runtime, BoxSpec spec = {}) {
    auto box = create(runtime, std::move(spec));
    const auto begun = box.start();
    EXPECT_TRUE(begun) << begun.error().message();
    return box;
  }

  // A process that keeps `count` machines ready until it is killed.
  pid_t fork_keeper(unsigned count) const {
    return fork_process([this, count] {
      auto runtime = Runtime::open(options());
      if (!runtime || !runtime->keep_ready({}, count)) return 1;
      while (true) ::pause();
      return 0;
    });
  }
  static void end(pid_t keeper) {
    ::kill(keeper, SIGKILL);
    wait_for(keeper);
  }
};

TEST_F(ReadyTest, AFirstStartTakesOneAndAnotherComes) {
  auto runtime = open();
  ASSERT_TRUE(runtime.keep_ready({}, 2));
  EXPECT_THAT(waiting(), SizeIs(2));
  auto first = started(runtime, {.name = "first", .hostname = "one"});
  auto second = started(runtime, {.name = "second"});
  EXPECT_TRUE(was_claimed(first));
  EXPECT_TRUE(was_claimed(second));
  EXPECT_TRUE(comes_true(waits(2))) << "they are replaced";

  // Each is its own box.
  EXPECT_EQ(run_in(first, {"hostname"}).out, "one\n");
  for (const auto* own : {"cat /proc/sys/kernel/random/boot_id", "hostname", "cat /etc/hosts",
                          "head -c 16 /dev/urandom | od -x", "echo $HOSTNAME"}) {
    const auto one = run_in(first, {"sh", "-c", own}).out;
    EXPECT_THAT(one, Not(IsEmpty())) << own;
    EXPECT_NE(one, run_in(second, {"sh", "-c", own}).out) << own;
  }
  run_in(first, {"sh", "-c", "echo first > /mine; sync"});
  EXPECT_NE(run_in(second, {"cat", "/mine"}).status.exit_code, 0);
  const auto commands = first.executions();
  ASSERT_TRUE(commands);
  EXPECT_THAT(*commands, Not(Contains(Field(&ExecutionInfo::id, "rehearsal"))));

  // And goes on as any other.
  ASSERT_TRUE(first.stop());
  ASSERT_TRUE(first.start());
  EXPECT_FALSE(was_claimed(first));
  EXPECT_EQ(run_in(first, {"cat", "/mine"}).out, "first\n");
  for (auto* box : {&first, &second}) EXPECT_TRUE(box->stop(at_once));
  ASSERT_TRUE(runtime.keep_ready({}, 0));
  EXPECT_TRUE(comes_true([&] { return waiting().empty(); }));
}

TEST_F(ReadyTest, AClaimedBoxHasFoldersCommandAndEnvironmentOfItsOwn) {
  const auto folder = directory() / "folder";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "file") << "from the host";
  auto runtime = open();
  ASSERT_TRUE(runtime.keep_ready({}, 1));
  auto box = create(runtime, {.command = {"sh", "-c", "cat /in/file; echo $WHO; pwd; exit 7"},
                              .env = {{"WHO", "me"}},
                              .working_dir = "/srv/new",
                              .mounts = {{.source = folder.native(), .target = "/in"}}});
  auto main = box.run({});
  ASSERT_TRUE(main) << main.error().message();
  const auto ran = finish(*main);
  EXPECT_EQ(ran.out, "from the hostme\n/srv/new\n");
  EXPECT_EQ(ran.status.exit_code, 7);
  EXPECT_TRUE(was_claimed(box));
  const auto ended = box.wait_stopped(CallOptions::within(std::chrono::seconds(20)));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 7);
}

TEST_F(ReadyTest, OtherShapesAreNotTaken) {
  auto runtime = open();
  ASSERT_TRUE(runtime.keep_ready({}, 1));
  for (auto spec : {BoxSpec{.memory_mib = 256}, BoxSpec{.disk_size_gib = 3}, BoxSpec{.privileged = true},
                    BoxSpec{.cold_start = true}}) {
    auto box = started(runtime, spec);
    EXPECT_FALSE(was_claimed(box));
    EXPECT_TRUE(box.stop(at_once));
  }
  EXPECT_THAT(waiting(), SizeIs(1));
}

TEST_F(ReadyTest, AnyProcessMayTakeThemAndOutliveTheKeeper) {
  const auto keeper = fork_keeper(2);
  ASSERT_TRUE(comes_true(waits(2)));
  {
    auto runtime = open();
    auto stays = started(runtime, {.name = "stays", .detach = true});
    auto goes = started(runtime, {.name = "goes"});
    EXPECT_TRUE(was_claimed(stays));
    EXPECT_TRUE(was_claimed(goes));
    ASSERT_TRUE(comes_true(waits(2)));
    end(keeper);
    EXPECT_EQ(run_in(goes, {"echo", "on"}).out, "on\n") << "the keeper's end is not the box's";
  }
  // Whoever claimed a box that is not detached takes it along; what nobody claimed ended with the keeper.
  auto runtime = open();
  auto stays = *runtime.get("stays");
  EXPECT_TRUE(becomes(*runtime.get("goes"), BoxStatus::stopped));
  EXPECT_EQ(run_in(stays, {"echo", "on"}).out, "on\n");
  EXPECT_TRUE(comes_true([&] {
    auto again = open();
    return waiting().empty();
  })) << "what a killed keeper leaves is cleared away by whoever opens the home";
  EXPECT_TRUE(stays.stop(at_once));
}

TEST_F(ReadyTest, OfManyAtOnceEachGetsAMachineOfItsOwn) {
  const auto keeper = fork_keeper(2);
  ASSERT_TRUE(comes_true(waits(2)));
  std::vector<pid_t> children;
  for (int i = 0; i < 5; ++i) {
    children.push_back(fork_process([this, i] {
      auto runtime = Runtime::open(options());
      auto box = runtime->create({});
      if (!box || !box->start()) return 1;
      const auto word = std::to_string(i);
      if (run_in(*box, {"sh", "-c", "echo " + word + " >> /mark; cat /mark"}).out != word + "\n") return 2;
      return box->stop(at_once) ? 0 : 3;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_for(child), 0);
  end(keeper);
}

TEST_F(ReadyTest, AMachineThatDiesIsReplaced) {
  auto runtime = open();
  ASSERT_TRUE(runtime.keep_ready({}, 1));
  ASSERT_THAT(waiting(), SizeIs(1));
  const auto doomed = waiting().front();
  ::kill(shimlink::read_shim_record(doomed)->vmm_pid, SIGKILL);
  EXPECT_TRUE(comes_true([&] { return !waiting().empty() && waiting().front() != doomed; }));
  auto box = started(runtime);
  EXPECT_EQ(run_in(box, {"echo", "on"}).out, "on\n");
  EXPECT_TRUE(box.stop(at_once));
}

// The shim stops in the middle of a claim, as far as the claimant can see.
TEST_F(ReadyTest, AClaimThatFailsCostsTimeNeverABox) {
  auto runtime = open();
  ASSERT_TRUE(runtime.keep_ready({}, 1));
  const auto shim = shimlink::read_shim_record(waiting().front())->shim.pid;
  ::kill(shim, SIGSTOP);
  auto box = started(runtime);
  EXPECT_FALSE(was_claimed(box));
  EXPECT_EQ(run_in(box, {"echo", "on"}).out, "on\n");
  EXPECT_TRUE(box.stop(at_once));
  ::kill(shim, SIGCONT);
}

TEST_F(ReadyTest, ClaimantsMayBeKilledAtAnyTime) {
  const auto keeper = fork_keeper(1);
  for (const auto after : {20, 40, 60, 80, 120}) {
    ASSERT_TRUE(comes_true(waits(1)));
    const auto child = fork_process([this] {
      auto runtime = Runtime::open(options());
      auto box = runtime->create({.name = "victim"});
      return box && box->start() ? 0 : 1;
    });
    // The random moment is the point.
    std::this_thread::sleep_for(std::chrono::milliseconds(after));
    ::kill(child, SIGKILL);
    wait_for(child);
    auto runtime = open();
    auto box = runtime.get("victim");
    if (!box) continue;
    // Its machine, if it had one, ends with its starter.
    EXPECT_TRUE(comes_true([&] { return is_at_rest(*box); }));
    const auto started_again = box->start();
    EXPECT_TRUE(started_again) << started_again.error().message();
    EXPECT_EQ(run_in(*box, {"echo", "on"}).out, "on\n");
    EXPECT_TRUE(runtime.remove("victim", {.force = true}));
  }
  end(keeper);
}

TEST_F(ReadyTest, ARuntimeMayKeepWhatItStarts) {
  auto wanted = options();
  wanted.ready_machines = 1;
  auto runtime = Runtime::open(wanted);
  ASSERT_TRUE(runtime);
  auto first = started(*runtime);
  EXPECT_FALSE(was_claimed(first));
  ASSERT_TRUE(comes_true(waits(1)));
  auto second = started(*runtime);
  EXPECT_TRUE(was_claimed(second));
  for (auto* box : {&first, &second}) EXPECT_TRUE(box->stop(at_once));
}

TEST_F(ReadyTest, ATooLargeNumberIsRefused) {
  auto runtime = open();
  const auto refused = runtime.keep_ready({}, 65);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace boxlite::test
