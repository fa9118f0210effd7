// SPDX-License-Identifier: Apache-2.0
// The roles that hold no box, on a fake engine.
#include "shim/roles/ready_machine.h"
#include "shim/roles/template_maker.h"
#include "shim/roles/test_role.h"
#include "wire/method.h"

namespace boxlite::shim {
namespace {

using engine::EndReason;
using engine::MachineEnd;
using engine::fake::FakeEngine;
using engine::fake::Script;

class SnapshotRolesTest : public RoleTest {
 protected:
  SnapshotRolesTest() { config_.from = engine::Snapshot{.memory = "m", .state = "s"}; }

  engine::Snapshot wanted(bool is_warm) const {
    engine::Snapshot into{.memory = dir_.path() / "memory", .state = dir_.path() / "state"};
    if (is_warm) into.pages = dir_.path() / "pages";
    return into;
  }
  Result<void> make_template(const Script& script) {
    config_.snapshot_into = wanted(false);
    FakeEngine engine({script});
    return TemplateMaker(engine, config_, inherit()).run();
  }
  Result<void> make_warm(const Script& script) {
    config_.snapshot_into = wanted(true);
    FakeEngine engine({script});
    auto inherited = inherit();
    return ReadyMachine(engine, config_, inherited).make_snapshot();
  }
};

TEST_F(SnapshotRolesTest, ATemplateIsMadeOnceItsAgentAnswers) {
  const auto made = make_template({});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(is_there(dir_.path() / "state"));
}

TEST_F(SnapshotRolesTest, AWarmOneIsMadeAfterItsRehearsals) {
  const auto made = make_warm({});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(is_there(dir_.path() / "pages"));
}

TEST_F(SnapshotRolesTest, AMachineThatEndsLeavesNone) {
  for (const auto step :
       {wire::GuestHello::name, wire::GuestConfigure::name, wire::GuestStartContainer::name}) {
    Script script;
    script.faults.emplace(step, MachineEnd{EndReason::failed, "it burns"});
    EXPECT_FALSE(make_template(script)) << step;
    const auto warm = make_warm(script);
    ASSERT_FALSE(warm) << step;
    EXPECT_NE(warm.error().code(), ErrorCode::unsupported) << "another time it may go well";
  }
  EXPECT_FALSE(is_there(dir_.path() / "state"));
}

TEST_F(SnapshotRolesTest, AnAgentThatNeverAnswersIsGivenUp) {
  config_.boot_timeout = std::chrono::milliseconds(30);
  Script script;
  script.faults.emplace(wire::GuestHello::name, engine::fake::Silence());
  EXPECT_EQ(make_template(script).error().code(), ErrorCode::timed_out);
  EXPECT_FALSE(make_warm(script));
}

// Whatever a guest answers, it says nothing of what this host can do.
TEST_F(SnapshotRolesTest, AGuestCannotSayThatThisHostCannot) {
  Script script;
  script.faults.emplace(wire::GuestStartContainer::name, Error(ErrorCode::unsupported, "no"));
  EXPECT_EQ(make_warm(script).error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace boxlite::shim
