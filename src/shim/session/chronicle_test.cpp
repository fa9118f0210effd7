// SPDX-License-Identifier: Apache-2.0
#include "shim/session/chronicle.h"

#include <csignal>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/files.h"
#include "journal/event_cursor.h"

namespace boxlite::shim {
namespace {

using namespace std::chrono_literals;
using journal::Counter;
using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

class ChronicleTest : public testing::Test {
 protected:
  ChronicleTest()
      : dir_(TempDir::create(testing::TempDir(), "chronicle-")), loop_(*linux_::EventLoop::create()) {
    config_.box_id = "abc123ABC123";
    config_.box_name = "web";
    config_.home = dir_->path();
    config_.box_dir = dir_->path() / "boxes" / config_.box_id;
    EXPECT_TRUE(make_directories(config_.box_dir));
  }

  void turn_until(auto done) {
    const auto deadline = Deadline::after(10s);
    while (!done()) {
      ASSERT_FALSE(deadline.has_passed());
      ASSERT_TRUE(loop_->run_once(deadline));
    }
  }
  journal::CounterValues of_home() const {
    return *journal::Counters(config_.home / journal::counters_file_name).read();
  }
  journal::CounterValues of_box() const {
    return *journal::Counters(config_.box_dir / journal::counters_file_name).read();
  }
  std::vector<Event> events() const {
    auto cursor =
        journal::EventCursor::open(journal::EventLog(config_.home), journal::EventCursor::Begin::oldest);
    std::vector<Event> found;
    while (true) {
      auto event = cursor->next(Deadline::after(0ms));
      if (!event || !*event) return found;
      found.push_back(**std::move(event));
    }
  }

  Result<TempDir> dir_;
  std::unique_ptr<linux_::EventLoop> loop_;
  shimlink::ShimConfig config_;
};

// A limit on the size of files stands for the full disk.
TEST_F(ChronicleTest, WhatAFullDiskHasNoRoomForIsToldLater) {
  Chronicle chronicle(*loop_, config_);
  rlimit before = {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  chronicle.tell(journal::event_type::disk_error, {{"errors", "1"}});
  chronicle.tell(journal::event_type::ready);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(events().empty());
  turn_until([&] { return events().size() == 2; });
  EXPECT_EQ(events().front().type, journal::event_type::disk_error) << "in order";
}

TEST_F(ChronicleTest, TellsAndCountsACommand) {
  Chronicle chronicle(*loop_, config_);
  wire::msg::ExecRequest request;
  request.set_id("e1");
  request.add_args("sh");
  request.add_args("-c");
  request.set_user("web");
  chronicle.on_command(request);
  wire::msg::ExecResult result;
  result.set_signal(9);
  result.set_timed_out(true);
  result.set_started_at_ns(1'000'000'000);
  result.set_ended_at_ns(1'250'000'000);
  chronicle.on_command_end("e1", result);
  turn_until([&] { return of_home()[Counter::commands] == 1 && events().size() == 2; });

  EXPECT_EQ(of_box(), of_home());
  EXPECT_EQ(of_home()[Counter::command_timeouts], 1u);
  EXPECT_EQ(of_home()[Counter::command_errors], 0u);
  const auto told = events();
  EXPECT_EQ(told[0].type, "exec");
  EXPECT_EQ(told[0].box_name, "web");
  EXPECT_THAT(told[0].attributes, Contains(Pair("command", "sh -c")));
  EXPECT_EQ(told[1].type, "exec_die");
  EXPECT_THAT(told[1].attributes, Contains(Pair("exit_code", "137")));
  EXPECT_THAT(told[1].attributes, Contains(Pair("signal", "9")));
  EXPECT_THAT(told[1].attributes, Contains(Pair("duration_ms", "250")));
}

TEST_F(ChronicleTest, CountsAProgramThatIsNotThereAsAnError) {
  Chronicle chronicle(*loop_, config_);
  wire::msg::ExecResult result;
  result.set_exit_code(127);
  chronicle.on_command_end("shell", result);  // a shell that says so has been started
  result.set_error("exec \"nope\": not found");
  chronicle.on_command_end("e1", result);
  chronicle.on_command_end("e2", fail(ErrorCode::invalid_argument, "no"));
  turn_until([&] { return of_home()[Counter::command_errors] == 2; });
}

TEST_F(ChronicleTest, WritesBytesLaterOrAtItsEnd) {
  {
    Chronicle chronicle(*loop_, config_);
    chronicle.on_bytes_to_guest(10);
    chronicle.on_bytes_from_guest(5);
    chronicle.on_bytes_from_guest(7);
    EXPECT_TRUE(of_home().is_zero());
  }
  EXPECT_EQ(of_home()[Counter::bytes_to_boxes], 10u);
  EXPECT_EQ(of_box()[Counter::bytes_from_boxes], 12u);
}

TEST_F(ChronicleTest, LeavesTheMainCommandToTheBoxesEvents) {
  Chronicle chronicle(*loop_, config_);
  wire::msg::ExecRequest request;
  request.set_is_main(true);
  chronicle.on_command(request);
  wire::msg::ExecResult result;
  result.set_oom_killed(true);
  chronicle.count_main(result);
  turn_until([&] { return of_home()[Counter::commands] == 1; });
  EXPECT_EQ(of_home()[Counter::command_oom_kills], 1u);
  EXPECT_THAT(events(), ElementsAre());
}

}  // namespace
}  // namespace boxlite::shim
