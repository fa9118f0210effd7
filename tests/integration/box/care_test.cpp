// SPDX-License-Identifier: Apache-2.0
// What boxlite-shim does for a box that nobody looks after: pause, health, idleness, recovery.
#include <csignal>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class CareTest : public BoxTest {};

TEST_F(CareTest, APausedBoxStandsStillAndIsStillStopped) {
  auto runtime = open();
  auto box = create(runtime);
  EXPECT_EQ(box.pause().error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(box.start());
  auto ticking = box.exec({.command = {"sh", "-c", "while true; do echo x >> /ticks; sleep 0.01; done"}});
  ASSERT_TRUE(ticking);
  ASSERT_TRUE(box.pause());
  ASSERT_TRUE(box.pause()) << "it is so already";
  EXPECT_EQ(box.info()->status, BoxStatus::paused);
  auto refused = box.exec({.command = {"true"}});
  const auto why = refused ? refused->wait().error() : refused.error();
  EXPECT_EQ(why.code(), ErrorCode::invalid_state);
  EXPECT_THAT(why.message(), HasSubstr("paused"));
  EXPECT_EQ(box.start().error().code(), ErrorCode::invalid_state) << "unpause does that";
  ASSERT_TRUE(box.unpause());
  ASSERT_TRUE(box.unpause()) << "it goes on already";
  EXPECT_EQ(box.info()->status, BoxStatus::running);
  EXPECT_EQ(run_in(box, {"true"}).status.exit_code, 0);
  ASSERT_TRUE(box.pause());
  ASSERT_TRUE(box.stop({.grace = 100ms}));
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
}

TEST_F(CareTest, HealthIsWhatTheCommandSays) {
  auto runtime = open();
  auto box = create(runtime, {.health = {.probe = HealthCheck::Probe::command,
                                         .command = {"sh", "-c", "echo looked; test -e /well"},
                                         .interval = 50ms,
                                         .retries = 2}});
  ASSERT_TRUE(box.start());
  const auto is = [&](HealthStatus status) {
    return comes_true([&] { return box.info()->health.status == status; });
  };
  EXPECT_TRUE(is(HealthStatus::unhealthy));
  EXPECT_EQ(box.info()->health.last_output, "looked\n");
  EXPECT_EQ(run_in(box, {"touch", "/well"}).status.exit_code, 0);
  EXPECT_TRUE(is(HealthStatus::healthy));
  ASSERT_TRUE(box.stop({.grace = 0ms}));
  auto pinged = create(runtime, {.health = {.probe = HealthCheck::Probe::ping, .interval = 20ms}});
  ASSERT_TRUE(pinged.start());
  EXPECT_TRUE(comes_true([&] { return pinged.info()->health.status == HealthStatus::healthy; }));
}

TEST_F(CareTest, AnIdleBoxStopsAndABusyOneDoesNot) {
  auto runtime = open();
  auto box = create(runtime, {.auto_stop = 300ms});
  auto busy = box.exec({.command = {"sleep", "1"}});
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->wait()->exit_code, 0) << "longer than the idle time";
  const auto end = box.wait_stopped(CallOptions::within(20s));
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->failure, "");
  EXPECT_EQ(box.info()->status, BoxStatus::stopped);
}

TEST_F(CareTest, WhoWaitsLearnsHowABoxEndedThatIsGone) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "sleep 0.5; exit 4"}, .auto_remove = true});
  ASSERT_TRUE(box.start());
  EXPECT_EQ(box.wait_stopped(CallOptions::within(1ms)).error().code(), ErrorCode::timed_out);
  const auto end = box.wait_stopped(CallOptions::within(20s));
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(end->exit_code, 4);
  EXPECT_EQ(box.info().error().code(), ErrorCode::not_found);
}

TEST_F(CareTest, ABoxWhoseTimeIsOverIsRemovedByTheNextRuntime) {
  std::string id;
  {
    auto runtime = open();
    auto box = create(runtime, {.command = {"true"}, .auto_delete = 1ms});
    id = box.id();
    ASSERT_TRUE(box.start());
    ASSERT_TRUE(box.wait_stopped(CallOptions::within(20s)));
  }
  auto runtime = open();
  EXPECT_EQ(runtime.get(id).error().code(), ErrorCode::not_found);
  const auto made = runtime.get_or_create({.name = "only"});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->was_created);
  const auto found = runtime.get_or_create({.name = "only", .cpus = 2});
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->was_created);
  EXPECT_EQ(found->box.id(), made->box.id());
  EXPECT_EQ(runtime.get_or_create({}).error().code(), ErrorCode::invalid_argument);
}

TEST_F(CareTest, GarbageIsWhatBelongsToNobody) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  const auto orphan = home() / "boxes" / "nobodysbox00";
  ASSERT_TRUE(make_directories(orphan));
  ASSERT_TRUE(write_file_atomic(orphan / "disk.qcow2", std::string(100'000, 'x')));
  const auto looked = runtime.collect_garbage({.dry_run = true});
  ASSERT_TRUE(looked) << looked.error().message();
  EXPECT_THAT(looked->removed, testing::Contains("leftover of box nobodysbox00"));
  EXPECT_GE(looked->freed_bytes, 100'000u);
  EXPECT_TRUE(std::filesystem::exists(orphan));
  ASSERT_TRUE(runtime.collect_garbage());
  EXPECT_FALSE(std::filesystem::exists(orphan));
  EXPECT_EQ(run_in(box, {"true"}).status.exit_code, 0) << "what is in use stays";
}

TEST_F(CareTest, AShimThatIsStoppedIsKilledForAStop) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  ASSERT_EQ(::kill(*box.info()->shim_pid, SIGSTOP), 0);
  // The signal takes effect when the process is next scheduled.
  EXPECT_TRUE(comes_true([&] {
    const auto refused = box.exec({.command = {"true"}});
    return !refused && refused.error().code() == ErrorCode::unavailable &&
           refused.error().remedy().starts_with("kill -CONT");
  }));
  const auto stopped = box.stop({.grace = 0ms, .force = true});
  EXPECT_TRUE(stopped) << stopped.error().message();
  EXPECT_NE(box.info()->status, BoxStatus::running);
}

TEST_F(CareTest, EventsBearTheNameThatTheBoxHas) {
  auto runtime = open();
  auto box = create(runtime, {.name = "before"});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(runtime.rename("before", "after"));
  auto events = runtime.events({.types = {"exec", "start", "ready", "die", "stop"}});
  ASSERT_TRUE(events);
  EXPECT_EQ(run_in(box, {"true"}).status.exit_code, 0);
  ASSERT_TRUE(box.stop({.grace = 0ms}));
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(box.stop({.grace = 0ms}));
  for (const char* type : {"exec", "die", "stop", "start", "ready", "die", "stop"}) {
    const auto event = events->next(CallOptions::within(10s));
    ASSERT_TRUE(event && *event) << type;
    EXPECT_EQ((*event)->type, type);
    EXPECT_EQ((*event)->box_name, "after") << type;
  }
}

}  // namespace
}  // namespace boxlite::test
