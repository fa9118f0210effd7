// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <future>
#include <optional>

#include <unistd.h>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

class LifeCycleTest : public BoxTest {};

TEST_F(LifeCycleTest, FilesSurviveStopAndStart) {
  auto runtime = open();
  auto box = create(runtime, {.name = "w"});
  EXPECT_EQ(box.info()->status, BoxStatus::configured);
  EXPECT_EQ(run_in(box, {"sh", "-c", "echo kept > /f"}).status.exit_code, 0);

  const auto running = box.info();
  ASSERT_TRUE(running);
  EXPECT_EQ(running->status, BoxStatus::running);
  EXPECT_THAT(running->kernel_release, HasSubstr("boxlite"));
  EXPECT_THAT(running->start_stages, Not(IsEmpty()));
  EXPECT_TRUE(running->shim_pid && running->vmm_pid);
  EXPECT_THAT(running->image_digest, HasSubstr("sha256:"));
  EXPECT_GT(running->disk_bytes, 0u);

  ASSERT_TRUE(box.stop());
  EXPECT_TRUE(box.stop()) << "stopping a stopped box is a success";
  const auto stopped = box.info();
  EXPECT_EQ(stopped->status, BoxStatus::stopped);
  EXPECT_FALSE(stopped->shim_pid);
  EXPECT_THAT(stopped->stopped_at, Not(IsEmpty()));

  ASSERT_TRUE(box.start());
  EXPECT_EQ(run_in(box, {"cat", "/f"}).out, "kept\n");
  EXPECT_TRUE(box.start()) << "starting a running box is a success";
  const auto refused = runtime.remove("w");
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(runtime.remove("w", {.force = true}));
  EXPECT_EQ(box.info().error().code(), ErrorCode::not_found);
  EXPECT_EQ(box.start().error().code(), ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(home() / "boxes" / box.id()));
}

TEST_F(LifeCycleTest, TheMainCommandsEndIsTheEndOfTheBox) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "echo out; echo err >&2; exit 7"}});
  for (int round = 0; round < 2; ++round) {
    auto main = box.run();
    ASSERT_TRUE(main) << main.error().message();
    const auto ran = finish(*main);
    EXPECT_EQ(ran.out, "out\n");
    EXPECT_EQ(ran.err, "err\n");
    EXPECT_EQ(ran.status.exit_code, 7);
    EXPECT_EQ(box.info()->status, BoxStatus::stopped);
    EXPECT_EQ(box.info()->exit_code, 7);
  }
}

TEST_F(LifeCycleTest, ARunningBoxIsNotRunAgain) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sleep", "1000"}});
  auto main = box.run();
  ASSERT_TRUE(main) << main.error().message();
  EXPECT_EQ(box.run().error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(run_in(box, {"pidof", "sleep"}).status.exit_code, 0);
  ASSERT_TRUE(main->kill());
  EXPECT_EQ(main->wait()->signal, 9);
  EXPECT_EQ(box.info()->exit_code, 137);
}

TEST_F(LifeCycleTest, ABoxThatIsMeantToGoIsRemovedAtItsEnd) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"true"}, .auto_remove = true});
  auto main = box.run();
  ASSERT_TRUE(main) << main.error().message();
  EXPECT_TRUE(finish(*main).status.is_success());
  EXPECT_EQ(box.info().error().code(), ErrorCode::not_found);
  EXPECT_TRUE(runtime.list()->empty());
}

TEST_F(LifeCycleTest, ADetachedBoxOutlivesItsProcess) {
  const auto child = fork_process([&] {
    auto runtime = Runtime::open(options());
    auto box = runtime->create({.name = "d", .detach = true});
    return box->start() ? 0 : 1;
  });
  ASSERT_EQ(wait_for(child), 0);
  auto runtime = open();
  auto box = runtime.get("d");
  ASSERT_TRUE(box);
  EXPECT_EQ(box->info()->status, BoxStatus::running);
  EXPECT_EQ(run_in(*box, {"echo", "there"}).out, "there\n");
  ASSERT_TRUE(box->stop());
  EXPECT_EQ(box->info()->status, BoxStatus::stopped);
}

TEST_F(LifeCycleTest, ABoxEndsWithTheRuntimeThatStartedIt) {
  std::string id;
  {
    auto runtime = open();
    auto box = create(runtime);
    ASSERT_TRUE(box.start());
    EXPECT_EQ(run_in(box, {"sh", "-c", "echo x > /f"}).status.exit_code, 0);
    id = box.id();
  }
  auto runtime = open();
  auto box = runtime.get(id);
  ASSERT_TRUE(box);
  EXPECT_EQ(box->info()->status, BoxStatus::stopped);
  EXPECT_EQ(run_in(*box, {"cat", "/f"}).out, "x\n") << "the end was orderly";
}

TEST_F(LifeCycleTest, SeveralProcessesMayStartOneBox) {
  constexpr int process_count = 3;
  std::string id;
  {
    auto runtime = open();
    id = create(runtime, {.detach = true}).id();
  }
  std::vector<pid_t> children;
  for (int i = 0; i < process_count; ++i) {
    children.push_back(fork_process([&] {
      auto runtime = Runtime::open(options());
      auto box = runtime->get(id);
      return box && box->start() && box->info()->status == BoxStatus::running ? 0 : 1;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_for(child), 0);
  auto runtime = open();
  auto box = runtime.get(id);
  EXPECT_EQ(run_in(*box, {"hostname"}).out, id + "\n");
  EXPECT_TRUE(runtime.remove(id, {.force = true}));
}

TEST_F(LifeCycleTest, SpecReachesTheGuest) {
  auto runtime = open();
  auto box = create(runtime, {.cpus = 2,
                              .memory_mib = 256,
                              .disk_size_gib = 1,
                              .env = {{"COLOUR", "blue"}},
                              .working_dir = "/tmp",
                              .user = "nobody",
                              .hostname = "tower"});
  EXPECT_EQ(run_in(box, {"sh", "-c", "hostname; echo $COLOUR; pwd; id -u; nproc"}).out,
            "tower\nblue\n/tmp\n65534\n2\n");
  const auto kib = std::stoul(run_in(box, {"sh", "-c", "df -k / | tail -1 | awk '{print $2}'"}).out);
  EXPECT_LT(kib, 1ul << 20);
  EXPECT_GT(kib, 900ul << 10);
}

// Each reads the whole spec, and writes it back.
TEST_F(LifeCycleTest, ChangesAtTheSameTimeDoNotUndoEachOther) {
  auto runtime = open();
  for (int round = 0; round < 3; ++round) {
    auto box = create(runtime);
    ASSERT_TRUE(box.start());
    auto detached = std::async(std::launch::async, [box]() mutable { return box.detach().has_value(); });
    auto published = std::async(std::launch::async, [box]() mutable {
      for (std::uint16_t port = 1; port <= 8; ++port) {
        if (!box.publish({.box_port = port})) return false;
      }
      return true;
    });
    EXPECT_TRUE(detached.get());
    EXPECT_TRUE(published.get());
    EXPECT_TRUE(box.info()->spec.detach);
    EXPECT_EQ(box.info()->spec.network.ports.size(), 8u);
    EXPECT_EQ(box.info()->ports.size(), 8u);
    ASSERT_TRUE(box.stop({.force = true}));
  }
}

TEST_F(LifeCycleTest, ABoxForOnceGoesWithWhoWasToStartIt) {
  std::optional<Runtime> owner(open());
  const auto kept = owner->create({.auto_remove = true})->id();
  const auto for_once = owner->create({.auto_remove = true}, {.start_follows = true})->id();
  const auto to_stay = owner->create({}, {.start_follows = true})->id();
  {
    auto other = open();
    EXPECT_THAT(other.collect_garbage()->removed, IsEmpty());
    EXPECT_TRUE(other.get(for_once)) << "somebody is about to start it";
  }
  owner.reset();
  auto next = open();
  EXPECT_EQ(next.get(for_once).error().code(), ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(directory() / "home/boxes" / for_once));
  EXPECT_TRUE(next.get(kept)) << "nobody has meant to start it";
  EXPECT_TRUE(next.get(to_stay));
}

TEST_F(LifeCycleTest, AStartThatFailsEarlyLetsTheBoxStay) {
  auto runtime = open();
  auto box = runtime.create({.image = "127.0.0.1:1/none", .auto_remove = true}).value();
  ASSERT_FALSE(box.start());
  auto next = open();
  EXPECT_TRUE(next.get(box.id()));
}

}  // namespace
}  // namespace boxlite::test
