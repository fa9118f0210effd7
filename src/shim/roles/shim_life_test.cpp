// SPDX-License-Identifier: Apache-2.0
// The life of a box as its shim sees it, on a fake engine: every way to begin and to end.
#include <csignal>

#include <gmock/gmock.h>

#include "agentlink/connection.h"
#include "base/concat.h"
#include "linux/test_loop_thread.h"
#include "shim/roles/shim.h"
#include "shim/roles/test_role.h"

namespace boxlite::shim {
namespace {

using agentlink::Connection;
using engine::EndReason;
using engine::MachineEnd;
using engine::fake::FakeEngine;
using engine::fake::Script;
using shimlink::ExitReason;
using testing::HasSubstr;

class ShimLifeTest : public RoleTest {
 protected:
  void begin(std::vector<Script> scripts = {{}}) {
    engine_.emplace(std::move(scripts));
    run([this, inherited = std::make_shared<Inherited>(inherit())] {
      Shim shim(*engine_, config_, std::move(*inherited));
      outcome_ = shim.run();
    });
  }

  std::shared_ptr<Connection> connect() {
    auto connection = Connection::connect(loop_.loop(), socket(), eventually());
    if (!connection) throw std::runtime_error(connection.error().message());
    return *std::move(connection);
  }

  Result<wire::msg::WaitReadyResponse> await_ready() {
    return connect()->call<wire::ShimWaitReady>({}, eventually());
  }

  // Of a shim that ends by itself, or was told to.
  shimlink::ExitRecord end() {
    join();
    EXPECT_TRUE(outcome_) << outcome_.error().message();
    const auto record = shimlink::read_exit_record(dir_.path());
    EXPECT_TRUE(record) << record.error().message();
    return record.value_or(shimlink::ExitRecord());
  }

  shimlink::ExitRecord stop(bool by_force = false) {
    wire::msg::StopRequest request;
    request.set_force(by_force);
    const auto stopped = connect()->call<wire::ShimStop>(request, eventually());
    EXPECT_TRUE(stopped) << stopped.error().message();
    return end();
  }

  // Any command: what it does is in the script.
  static Result<wire::msg::ExecResult> exec(Connection& connection, std::vector<std::string> args,
                                            std::string* output = nullptr) {
    wire::msg::ExecRequest request;
    request.set_id(concat("exec-", args.front()));
    for (auto& argument : args) request.add_args(std::move(argument));
    auto stream = BOXLITE_TRY(connection.open<wire::ExecStart>(request));
    while (const auto message = BOXLITE_TRY(stream.read(eventually())))
      if (output != nullptr) *output += message->stdout();
    return stream.result(eventually());
  }

  linux_::LoopThread loop_;
  std::optional<FakeEngine> engine_;
  Result<void> outcome_;
};

const std::vector<std::string_view> boot_steps{wire::GuestHello::name, wire::GuestConfigure::name,
                                               wire::GuestStartContainer::name};

Script with_fault(std::string_view method, engine::fake::Fault fault) {
  Script script;
  script.faults.emplace(method, std::move(fault));
  return script;
}

TEST_F(ShimLifeTest, BecomesReadyRunsACommandAndStops) {
  begin();
  const auto connection = connect();
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_TRUE(ready) << ready.error().message();
  EXPECT_EQ(ready->kernel_release(), "fake");
  std::string output;
  EXPECT_EQ(exec(*connection, {"say", "hello"}, &output)->exit_code(), 0u);
  EXPECT_EQ(output, "hello");
  EXPECT_EQ(exec(*connection, {"exit", "7"})->exit_code(), 7u);
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, ACommandMayComeBeforeTheBoxIsReady) {
  begin({{.answers_bytewise = true}});
  EXPECT_EQ(exec(*connect(), {"exit", "3"})->exit_code(), 3u);
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, TellsWhyTheEngineMadeNoMachine) {
  begin({{.launch_error = Error(ErrorCode::not_found, "no such engine")}});
  const auto ready = await_ready();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code(), ErrorCode::not_found);
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::boot_failed);
  EXPECT_EQ(record.phase, "spawn_vmm");
  EXPECT_EQ(record.message, "no such engine");
}

TEST_F(ShimLifeTest, AShortageIsNoFaultOfTheMachine) {
  begin({{.launch_error = Error(ErrorCode::resource_exhausted, "no memory")}});
  EXPECT_FALSE(await_ready());
  EXPECT_EQ(end().phase, shimlink::resources_phase);
}

TEST_F(ShimLifeTest, GivesUpOnAnAgentThatNeverAnswers) {
  for (const auto step : boot_steps) {
    config_.boot_timeout = std::chrono::milliseconds(30);
    auto script = with_fault(step, engine::fake::Silence());
    // Nor does the engine do what it is asked.
    script.can_quit = step == wire::GuestHello::name;
    begin({script});
    const auto ready = await_ready();
    ASSERT_FALSE(ready) << step;
    EXPECT_EQ(ready.error().code(), ErrorCode::timed_out);
    EXPECT_THAT(ready.error().message(), HasSubstr("no answer within 30 ms"));
    EXPECT_EQ(end().reason, ExitReason::boot_failed);
  }
}

TEST_F(ShimLifeTest, TellsHowAMachineEndedAtEachStepOfItsBoot) {
  for (const auto step : boot_steps) {
    begin({with_fault(step, MachineEnd{EndReason::failed, "it burns"})});
    const auto ready = await_ready();
    ASSERT_FALSE(ready) << step;
    EXPECT_EQ(ready.error().code(), ErrorCode::unavailable);
    EXPECT_THAT(ready.error().message(), HasSubstr("it burns"));
    const auto record = end();
    EXPECT_EQ(record.reason, ExitReason::boot_failed);
    EXPECT_THAT(record.message, HasSubstr("it burns"));
  }
}

TEST_F(ShimLifeTest, ThePhaseSaysWhatAnEndMeansForASnapshot) {
  config_.from = engine::Snapshot{.memory = "m", .state = "s", .pages = "p"};
  for (const auto& [reason, phase] : {std::pair(EndReason::failed, std::string_view("restore")),
                                      std::pair(EndReason::lacks_resources, shimlink::resources_phase),
                                      std::pair(EndReason::cannot_restore, shimlink::no_restoring_phase)}) {
    begin({with_fault(wire::GuestHello::name, MachineEnd{reason, "over"})});
    EXPECT_FALSE(await_ready());
    EXPECT_EQ(end().phase, phase);
  }
}

TEST_F(ShimLifeTest, EndsAMachineWhosePortSpeaksRubbish) {
  for (const auto step : boot_steps) {
    begin({with_fault(step, engine::fake::Garbage())});
    ASSERT_FALSE(await_ready()) << step;
    EXPECT_EQ(end().reason, ExitReason::boot_failed);
  }
}

TEST_F(ShimLifeTest, EndsAMachineWhosePortWasClosed) {
  for (const auto step : boot_steps) {
    config_.boot_timeout = std::chrono::milliseconds(30);
    begin({with_fault(step, engine::fake::HangUp())});
    ASSERT_FALSE(await_ready()) << step;
    EXPECT_EQ(end().reason, ExitReason::boot_failed);
  }
}

TEST_F(ShimLifeTest, PassesOnWhatTheAgentRefuses) {
  for (const auto step : boot_steps) {
    begin({with_fault(step, Error(ErrorCode::permission_denied, "not in this house"))});
    const auto ready = await_ready();
    ASSERT_FALSE(ready) << step;
    EXPECT_EQ(ready.error().code(), ErrorCode::permission_denied);
    EXPECT_THAT(ready.error().message(), HasSubstr("not in this house"));
    EXPECT_EQ(end().reason, ExitReason::boot_failed);
  }
}

TEST_F(ShimLifeTest, TheMainCommandsEndIsTheBoxs) {
  config_.main_request = command("exit", "7");
  begin();
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::main_exited);
  EXPECT_EQ(record.exit_code, 7);
}

TEST_F(ShimLifeTest, AGuestMayEndByItself) {
  begin({with_fault(wire::ExecSignal::name, MachineEnd())});
  ASSERT_TRUE(await_ready());
  EXPECT_FALSE(connect()->call<wire::ExecSignal>({}, eventually()));
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::vmm_failed);
  EXPECT_EQ(record.message, "the guest ended by itself");
}

TEST_F(ShimLifeTest, AKernelThatPanickedIsQuoted) {
  auto script = with_fault(wire::ExecSignal::name, MachineEnd());
  script.console = "Kernel panic - not syncing: out of paper\n";
  begin({script});
  ASSERT_TRUE(await_ready());
  EXPECT_FALSE(connect()->call<wire::ExecSignal>({}, eventually()));
  EXPECT_EQ(end().message, "the guest's kernel panicked: out of paper");
}

TEST_F(ShimLifeTest, TellsWhatTheEngineSaysOfAMachineThatFailed) {
  begin({with_fault(wire::ExecSignal::name, MachineEnd{EndReason::failed, "it burns"})});
  ASSERT_TRUE(await_ready());
  EXPECT_FALSE(connect()->call<wire::ExecSignal>({}, eventually()));
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::vmm_failed);
  EXPECT_EQ(record.message, "it burns");
}

TEST_F(ShimLifeTest, ACommandsClientHearsOfTheMachinesEnd) {
  for (const auto& fault : {engine::fake::Fault(MachineEnd{EndReason::failed, "it burns"}),
                            engine::fake::Fault(engine::fake::Garbage())}) {
    begin({with_fault(wire::ExecStart::name, fault)});
    EXPECT_FALSE(exec(*connect(), {"stay"}));
    EXPECT_EQ(end().reason, ExitReason::vmm_failed);
  }
}

TEST_F(ShimLifeTest, AMachineThatEndsInsteadOfShuttingDownWasStopped) {
  begin({with_fault(wire::GuestShutdown::name, MachineEnd{EndReason::failed, "it burns"})});
  ASSERT_TRUE(await_ready());
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, RestartsAsThePolicySaysAndBootsThen) {
  config_.from = engine::Snapshot{.memory = "m", .state = "s"};
  config_.main_request = command("exit", "3");
  config_.restart = {.mode = RestartMode::on_failure, .max_retries = 1};
  begin();
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::main_exited);
  EXPECT_EQ(record.exit_code, 3);
  EXPECT_THAT(engine_->launches(), testing::ElementsAre(config_.from, std::nullopt));
}

TEST_F(ShimLifeTest, ARestartThatFindsNoMachineCountsAsAnotherEnd) {
  config_.main_request = command("exit", "3");
  config_.restart = {.mode = RestartMode::on_failure, .max_retries = 1};
  begin({{}, {.launch_error = Error(ErrorCode::unavailable, "sold out")}});
  const auto record = end();
  EXPECT_EQ(record.reason, ExitReason::boot_failed);
  EXPECT_EQ(record.message, "sold out");
}

TEST_F(ShimLifeTest, AClientMayVanish) {
  begin();
  {
    const auto vanishing = connect();
    wire::msg::ExecRequest request;
    request.set_id("long");
    request.add_args("stay");
    auto stream = vanishing->open<wire::ExecStart>(request);
    ASSERT_TRUE(stream);
    ASSERT_TRUE(*stream->read(eventually())) << "it runs";
  }
  EXPECT_EQ(exec(*connect(), {"exit", "5"})->exit_code(), 5u);
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, EndsWithItsParent) {
  begin();
  ASSERT_TRUE(await_ready());
  watchdog_.reset();
  EXPECT_EQ(end().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, EndsWithItsParentAlsoWhileItBoots) {
  begin({with_fault(wire::GuestHello::name, engine::fake::Silence())});
  watchdog_.reset();
  EXPECT_EQ(end().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, EndsAtASignal) {
  begin();
  ASSERT_TRUE(await_ready());
  ASSERT_EQ(::eventfd_write(signals_.get(), 1), 0);
  EXPECT_EQ(end().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, AForcedEndIsAKill) {
  config_.main_request = command("stay");
  begin();
  ASSERT_TRUE(await_ready());
  const auto record = stop(true);
  EXPECT_EQ(record.reason, ExitReason::killed);
  EXPECT_EQ(record.signal, SIGKILL);
}

TEST_F(ShimLifeTest, AGuestThatRefusesToShutDownIsKilled) {
  begin({with_fault(wire::GuestShutdown::name, Error(ErrorCode::internal, "no"))});
  ASSERT_TRUE(await_ready());
  EXPECT_EQ(stop().reason, ExitReason::killed);
}

TEST_F(ShimLifeTest, PausesAndResumes) {
  begin();
  ASSERT_TRUE(await_ready());
  const auto connection = connect();
  ASSERT_TRUE(connection->call<wire::ShimPause>({}, eventually()));
  EXPECT_EQ(shimlink::read_shim_record(dir_.path())->phase, shimlink::ShimPhase::paused);
  EXPECT_FALSE(exec(*connection, {"exit", "0"}));
  ASSERT_TRUE(connection->call<wire::ShimResume>({}, eventually()));
  EXPECT_TRUE(exec(*connection, {"exit", "0"}));
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

TEST_F(ShimLifeTest, PassesOnThatAnEngineCannotPause) {
  begin({{.can_pause = false}});
  ASSERT_TRUE(await_ready());
  EXPECT_EQ(connect()->call<wire::ShimPause>({}, eventually()).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(stop().reason, ExitReason::stopped);
}

}  // namespace
}  // namespace boxlite::shim
