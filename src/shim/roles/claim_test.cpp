// SPDX-License-Identifier: Apache-2.0
// A machine that is kept ready, until it is a box's, on a fake engine.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "shim/roles/ready_machine.h"
#include "shim/roles/shim.h"
#include "shim/roles/test_role.h"
#include "shimlink/shim_process.h"
#include "wire/method.h"

namespace boxlite::shim {
namespace {

using engine::EndReason;
using engine::MachineEnd;
using engine::fake::FakeEngine;
using engine::fake::Script;

class ClaimTest : public RoleTest {
 protected:
  ClaimTest() {
    config_.from = engine::Snapshot{.memory = "m", .state = "s"};
    config_.awaits_claim = true;
  }

  // As the shim's main() does.
  void keep_ready(const Script& script = {}) {
    engine_.emplace(std::vector{script});
    run([this, inherited = std::make_shared<Inherited>(inherit())] {
      auto claimed = ReadyMachine(*engine_, config_, *inherited).await_claim();
      outcome_ = claimed ? Result<void>() : std::unexpected(claimed.error());
      if (!claimed || !*claimed) return;
      inherited->watchdog = std::move((*claimed)->watchdog);
      auto config = std::move((*claimed)->config);
      outcome_ = Shim(*engine_, config, std::move(*inherited), **std::move(claimed)).run();
      was_claimed_ = true;
    });
  }

  // Until it says so; false when it ends instead.
  bool becomes_ready() {
    pollfd waiting{watchdog_.get(), POLLIN, 0};
    char mark = 0;
    return ::poll(&waiting, 1, eventually().poll_timeout_ms()) == 1 &&
           ::recv(watchdog_.get(), &mark, 1, 0) == 1;
  }

  Result<shimlink::ShimProcess> claim() {
    auto config = config_;
    config.awaits_claim = false;
    config.main_request = command("exit", "7");
    auto claim = BOXLITE_TRY(shimlink::ShimClaim::begin(dir_.path()));
    return std::move(claim).finish(config);
  }

  std::optional<FakeEngine> engine_;
  Result<void> outcome_;
  bool was_claimed_ = false;
};

TEST_F(ClaimTest, AClaimedMachineIsTheBoxs) {
  keep_ready();
  ASSERT_TRUE(becomes_ready());
  auto shim = claim();
  ASSERT_TRUE(shim) << shim.error().message();
  join();
  EXPECT_TRUE(was_claimed_);
  EXPECT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_EQ(engine_->launches().size(), 1u);
  const auto record = shimlink::read_exit_record(dir_.path());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->reason, shimlink::ExitReason::main_exited) << record->message;
  EXPECT_EQ(record->exit_code, 7);
}

TEST_F(ClaimTest, OneThatNobodyClaimsEndsWithItsKeeper) {
  keep_ready();
  ASSERT_TRUE(becomes_ready());
  watchdog_.reset();
  join();
  EXPECT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_FALSE(was_claimed_);
}

TEST_F(ClaimTest, AClaimantThatVanishesHalfWayTakesItAlong) {
  keep_ready();
  ASSERT_TRUE(becomes_ready());
  {
    ASSERT_TRUE(shimlink::ShimClaim::begin(dir_.path()));
  }
  join();
  EXPECT_FALSE(outcome_) << "there was no config";
  EXPECT_FALSE(was_claimed_);
}

TEST_F(ClaimTest, OneThatEndsIsNotOffered) {
  Script script;
  script.faults.emplace(wire::ExecStart::name, MachineEnd{EndReason::failed, "it burns"});
  keep_ready(script);
  join();
  EXPECT_FALSE(is_there(dir_.path() / shimlink::shim_record_name));
  EXPECT_FALSE(was_claimed_);
}

}  // namespace
}  // namespace boxlite::shim
