// SPDX-License-Identifier: Apache-2.0
// What holds for every backend of a Runtime, by the words of include/boxlite. Commands are those that both a
// box of the base image and this host have.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "place.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class Conformance : public testing::Test {
 protected:
  Box create(const BoxSpec& spec = {}) {
    auto box = runtime_.create(spec);
    EXPECT_TRUE(box) << box.error().message();
    return *box;
  }
  template <typename T>
  static ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result) << "an error was expected";
    return result ? ErrorCode::internal : result.error().code();
  }
  static BoxStatus status_of(const Box& box) {
    const auto info = box.info();
    EXPECT_TRUE(info) << info.error().message();
    return info ? info->status : BoxStatus::failed;
  }
  static Output run(Box& box, std::vector<std::string> command, std::string_view input = {}) {
    const auto output =
        box.run_command({.command = std::move(command), .use_stdin = true}, std::as_bytes(std::span(input)),
                        {}, {.deadline = std::chrono::steady_clock::now() + 60s});
    EXPECT_TRUE(output) << output.error().message();
    return output ? *output : Output{};
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& info : *runtime_.list()) names.push_back(info.spec.name);
    return names;
  }

  std::unique_ptr<Place> place_ = make_place();
  Runtime runtime_ = place_->open();
};

// Records

TEST_F(Conformance, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(code_of(runtime_.get("nothing")), ErrorCode::not_found);
  EXPECT_EQ(code_of(runtime_.get("")), ErrorCode::not_found);
  EXPECT_EQ(code_of(runtime_.remove("nothing")), ErrorCode::not_found);
  EXPECT_EQ(code_of(runtime_.rename("nothing", "other")), ErrorCode::not_found);
  EXPECT_THAT(runtime_.get("nothing").error().message(), HasSubstr("nothing"));
}

TEST_F(Conformance, ABoxIsFoundByItsNameItsIdAndABeginningOfIt) {
  const auto box = create({.name = "web"});
  EXPECT_EQ(box.id().size(), 12U);
  EXPECT_EQ(runtime_.get("web")->id(), box.id());
  EXPECT_EQ(runtime_.get(box.id())->id(), box.id());
  EXPECT_EQ(runtime_.get(box.id().substr(0, 8))->id(), box.id());
}

TEST_F(Conformance, ANameIsOneBoxs) {
  create({.name = "web"});
  EXPECT_EQ(code_of(runtime_.create({.name = "web"})), ErrorCode::already_exists);
  ASSERT_TRUE(runtime_.remove("web"));
  EXPECT_TRUE(runtime_.create({.name = "web"}));
}

TEST_F(Conformance, ASpecThatIsNoneNamesItsField) {
  for (const auto& spec :
       {BoxSpec{.name = "-x"}, BoxSpec{.name = "a b"}, BoxSpec{.name = std::string(129, 'a')}})
    EXPECT_EQ(code_of(runtime_.create(spec)), ErrorCode::invalid_argument);
  EXPECT_THAT(runtime_.create({.memory_mib = 1}).error().message(), HasSubstr("memory_mib"));
  EXPECT_THAT(runtime_.create({.cpus = 0}).error().message(), HasSubstr("cpus"));
  EXPECT_THAT(names(), ElementsAre());
}

TEST_F(Conformance, TheSpecIsKeptAsItWasGiven) {
  BoxSpec spec{.name = "kept", .memory_mib = 256, .env = {{"A", "1"}, {"B", "x=y"}}, .working_dir = "/tmp"};
  spec.labels = {{"team", "red"}, {"empty", ""}};
  spec.command = {"sleep", "infinity"};
  const auto info = create(spec).info();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->spec, spec);
  EXPECT_EQ(info->status, BoxStatus::configured);
  EXPECT_FALSE(info->created_at.empty());
  EXPECT_TRUE(info->started_at.empty());
}

TEST_F(Conformance, TheNewestIsListedFirst) {
  for (const char* name : {"a", "b", "c"}) create({.name = name});
  EXPECT_THAT(names(), ElementsAre("c", "b", "a"));
  EXPECT_TRUE(runtime_.list({.all = false})->empty()) << "none runs";
}

TEST_F(Conformance, ARenamedBoxHasItsNewNameAlone) {
  const auto box = create({.name = "old"});
  create({.name = "taken"});
  EXPECT_EQ(code_of(runtime_.rename("old", "taken")), ErrorCode::already_exists);
  EXPECT_EQ(code_of(runtime_.rename("old", "no name")), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(runtime_.rename("old", "")), ErrorCode::invalid_argument);
  ASSERT_TRUE(runtime_.rename("old", "new"));
  EXPECT_EQ(code_of(runtime_.get("old")), ErrorCode::not_found);
  EXPECT_EQ(runtime_.get("new")->id(), box.id());
  EXPECT_EQ(box.info()->spec.name, "new");
}

TEST_F(Conformance, AHandleOnARemovedBoxSaysSo) {
  auto box = create({.name = "gone"});
  ASSERT_TRUE(runtime_.remove(box.id()));
  EXPECT_EQ(code_of(box.info()), ErrorCode::not_found);
  EXPECT_EQ(code_of(box.start()), ErrorCode::not_found);
  EXPECT_EQ(code_of(box.exec({.command = {"true"}})), ErrorCode::not_found);
  EXPECT_THAT(names(), ElementsAre());
}

TEST_F(Conformance, OfManyThatWantABoxOneMakesIt) {
  std::atomic<int> made = 0;
  std::vector<std::string> ids(8);
  {
    std::vector<std::jthread> threads;
    for (auto& id : ids) {
      threads.emplace_back([this, &id, &made] {
        auto obtained = runtime_.get_or_create({.name = "shared"});
        ASSERT_TRUE(obtained) << obtained.error().message();
        id = obtained->box.id();
        if (obtained->was_created) ++made;
      });
    }
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(std::ranges::count(ids, ids.front()), 8);
  EXPECT_EQ(code_of(runtime_.get_or_create({})), ErrorCode::invalid_argument) << "it has no name";
}

// States

TEST_F(Conformance, ABoxStartsStopsAndStartsAgain) {
  auto box = create();
  EXPECT_TRUE(box.stop()) << "it never ran";
  ASSERT_TRUE(box.start());
  EXPECT_EQ(status_of(box), BoxStatus::running);
  EXPECT_TRUE(box.start()) << "it runs already";
  EXPECT_EQ(runtime_.list({.all = false})->size(), 1U);
  ASSERT_TRUE(box.stop({.force = true}));
  EXPECT_EQ(status_of(box), BoxStatus::stopped);
  EXPECT_FALSE(box.info()->stopped_at.empty());
  EXPECT_TRUE(box.stop()) << "it is stopped already";
  ASSERT_TRUE(box.start());
  EXPECT_EQ(status_of(box), BoxStatus::running);
}

TEST_F(Conformance, ABoxThatRunsIsRemovedByForceOnly) {
  auto box = create({.name = "busy"});
  ASSERT_TRUE(box.start());
  EXPECT_EQ(code_of(runtime_.remove("busy")), ErrorCode::invalid_state);
  EXPECT_EQ(status_of(box), BoxStatus::running);
  EXPECT_TRUE(runtime_.remove("busy", {.force = true}));
  EXPECT_EQ(code_of(runtime_.get("busy")), ErrorCode::not_found);
}

TEST_F(Conformance, WhoWaitsHearsOfTheStop) {
  auto box = create();
  ASSERT_TRUE(box.start());
  EXPECT_EQ(code_of(box.wait_stopped(CallOptions::within(10ms))), ErrorCode::timed_out);
  std::optional<Result<BoxEnd>> heard;
  std::jthread waiter([&] { heard = box.wait_stopped(CallOptions::within(60s)); });
  ASSERT_TRUE(box.stop({.force = true}));
  waiter.join();
  EXPECT_TRUE(*heard);
}

TEST_F(Conformance, PruningTakesWhatHasStopped) {
  create({.name = "never"});
  auto stopped = create({.name = "stopped"});
  auto running = create({.name = "running"});
  ASSERT_TRUE(stopped.start() && running.start() && stopped.stop({.force = true}));
  EXPECT_THAT(runtime_.prune_boxes({.dry_run = true})->removed, ElementsAre(stopped.id()));
  EXPECT_EQ(names().size(), 3U);
  EXPECT_THAT(runtime_.prune_boxes()->removed, ElementsAre(stopped.id()));
  EXPECT_THAT(names(), ElementsAre("running", "never"));
}

// Commands

TEST_F(Conformance, ACommandStartsItsBoxAndEndsWithItsCode) {
  auto box = create();
  const auto output = run(box, {"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(output.stdout_text, "out\n");
  EXPECT_EQ(output.stderr_text, "err\n");
  EXPECT_EQ(output.status.exit_code, 3);
  EXPECT_EQ(output.status.signal, 0);
  EXPECT_EQ(status_of(box), BoxStatus::running);
}

TEST_F(Conformance, BytesPassAsTheyAre) {
  auto box = create();
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  EXPECT_TRUE(run(box, {"cat"}, bytes).stdout_text == bytes);
  EXPECT_EQ(run(box, {"cat"}).stdout_text, "");
}

TEST_F(Conformance, WhatCannotBeStartedIsAnEndAndNoError) {
  auto box = create();
  const auto output = run(box, {"no-such-program"});
  EXPECT_EQ(output.status.exit_code, 127);
  EXPECT_THAT(output.status.reason, HasSubstr("no-such-program"));
  EXPECT_EQ(code_of(box.exec({})), ErrorCode::invalid_argument) << "no command at all";
}

TEST_F(Conformance, AKilledCommandSaysBySignal) {
  auto box = create();
  auto sleeper = box.exec({.command = {"sleep", "1000"}});
  ASSERT_TRUE(sleeper && *sleeper->wait_started());
  ASSERT_TRUE(sleeper->kill());
  EXPECT_EQ(sleeper->wait()->signal, 9);
  EXPECT_EQ(code_of(sleeper->send_signal(15)), ErrorCode::invalid_state) << "it has ended";
}

TEST_F(Conformance, ACommandsTimeIsLimited) {
  auto box = create();
  auto sleeper = box.exec({.command = {"sleep", "1000"}, .timeout = 200ms});
  ASSERT_TRUE(sleeper);
  const auto status = sleeper->wait();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->timed_out);
}

TEST_F(Conformance, CommandsAreFoundAgainByTheirId) {
  auto box = create();
  auto sleeper = box.exec({.command = {"sleep", "1000"}});
  ASSERT_TRUE(sleeper && *sleeper->wait_started());
  const auto all = box.executions();
  ASSERT_TRUE(all);
  const auto found = std::ranges::find(*all, sleeper->id(), &ExecutionInfo::id);
  ASSERT_NE(found, all->end());
  EXPECT_FALSE(found->status);
  EXPECT_THAT(found->command, ElementsAre("sleep", "1000"));
  EXPECT_TRUE(box.attach(sleeper->id()));
  EXPECT_EQ(code_of(box.attach("nothing")), ErrorCode::not_found);
  EXPECT_EQ(code_of(box.send_signal(sleeper->id(), 65)), ErrorCode::invalid_argument);
  ASSERT_TRUE(box.send_signal(sleeper->id(), 15));
  EXPECT_EQ(box.wait(sleeper->id())->signal, 15);
}

TEST_F(Conformance, ACallIsStoppedByItsCaller) {
  auto box = create();
  std::stop_source stop;
  std::jthread stopper([&] {
    for (auto all = box.executions(); !all || all->empty(); all = box.executions()) std::this_thread::yield();
    stop.request_stop();
  });
  const auto output = box.run_command({.command = {"sleep", "1000"}}, {}, {}, {.stop = stop.get_token()});
  EXPECT_EQ(code_of(output), ErrorCode::cancelled);
}

TEST_F(Conformance, OutputBeyondTheLimitIsCounted) {
  auto box = create();
  const auto output =
      box.run_command({.command = {"sh", "-c", "head -c 100000 /dev/zero"}}, {}, {.limit = 1000});
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->stdout_text.size(), 1000U);
  EXPECT_EQ(output->stdout_bytes, 100'000U);
  EXPECT_FALSE(output->is_whole());
}

}  // namespace
}  // namespace boxlite::test
