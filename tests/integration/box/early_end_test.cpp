// SPDX-License-Identifier: Apache-2.0
// Calls that their caller ends: with `cancelled` after a stop request, with `timed_out` at the deadline, soon
// in both cases, and nothing is half-done.
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;

// The promise is 100 ms; a machine that does other work as well is given more. What is waited for takes
// longer than this by far.
constexpr std::chrono::milliseconds soon = 3s;

// Whether the thread of this process waits in a system call.
bool waits(pid_t thread) {
  const auto status = read_file(concat("/proc/self/task/", thread, "/status"), 16u << 10);
  return status && status->find("\nState:\tS") != std::string::npos;
}

// Of what came to its end by itself: internal.
template <typename Value>
ErrorCode code_of(const Result<Value>& result) {
  return result ? ErrorCode::internal : result.error().code();
}

class EarlyEndTest : public BoxTest {
 protected:
  void SetUp() override {
    BoxTest::SetUp();
    runtime_ = open();
    box_ = create(*runtime_, {.name = "early"});
  }
  void TearDown() override {
    box_.reset();
    runtime_.reset();
    BoxTest::TearDown();
  }

  // Calls it, asks for a stop once it waits for something, and returns the error's code.
  static ErrorCode code_when_stopped(const std::function<ErrorCode(const CallOptions&)>& call) {
    std::stop_source source;
    std::chrono::steady_clock::time_point asked;
    std::jthread stopper([&, caller = ::gettid()] {
      EXPECT_TRUE(comes_true([&] { return waits(caller); }));
      asked = std::chrono::steady_clock::now();
      source.request_stop();
    });
    const auto code = call({.stop = source.get_token()});
    const auto ended = std::chrono::steady_clock::now();
    stopper.join();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(ended - asked);
    testing::Test::RecordProperty("took_ms", static_cast<int>(took.count()));
    EXPECT_LT(took, soon);
    return code;
  }

  Execution sleeper() {
    auto execution = box_->exec({.command = {"sleep", "1000"}, .use_stdin = true});
    EXPECT_TRUE(execution) << execution.error().message();
    EXPECT_TRUE(*execution->wait_started());
    return *execution;
  }

  std::optional<Runtime> runtime_;
  std::optional<Box> box_;
};

class StartStageTest : public EarlyEndTest, public testing::WithParamInterface<const char*> {};

TEST_P(StartStageTest, TheBoxIsAsItWasBefore) {
  std::stop_source source;
  bool was_seen = false;
  const auto stop_there = [&](const Progress& at) {
    if (at.stage != GetParam()) return;
    was_seen = true;
    source.request_stop();
  };
  const auto started = box_->start({}, {.stop = source.get_token(), .progress = stop_there});
  ASSERT_TRUE(was_seen) << "no such stage";
  EXPECT_EQ(code_of(started), ErrorCode::cancelled);
  const auto info = box_->info();
  EXPECT_EQ(info->status, BoxStatus::configured);
  EXPECT_EQ(info->failure, "");
  EXPECT_FALSE(info->shim_pid);
  EXPECT_EQ(box_->run_command({.command = {"echo", "well"}})->stdout_text, "well\n");
}

INSTANTIATE_TEST_SUITE_P(Stages, StartStageTest,
                         testing::Values("image", "base_disk", "template", "disk", "spawn", "ready"));

TEST_F(EarlyEndTest, AStartThatIsTooLateTimesOut) {
  const auto started = box_->start({}, CallOptions::within(20ms));
  EXPECT_EQ(code_of(started), ErrorCode::timed_out);
  EXPECT_EQ(box_->info()->status, BoxStatus::configured);
  EXPECT_TRUE(box_->start());
}

TEST_F(EarlyEndTest, AStartThatAnotherOneWaitsForGoesOn) {
  std::jthread other([&] { EXPECT_TRUE(box_->start()); });
  const auto code = code_when_stopped([&](const CallOptions& call) {
    // It may be quicker than the stop.
    const auto started = box_->start({}, call);
    return started ? ErrorCode::cancelled : started.error().code();
  });
  EXPECT_EQ(code, ErrorCode::cancelled);
  other.join();
  EXPECT_EQ(box_->info()->status, BoxStatus::running);
}

TEST_F(EarlyEndTest, WaitsForACommandLeaveItRunning) {
  auto execution = sleeper();
  std::byte buffer[16];
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(execution.wait(call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(box_->wait(execution.id(), call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped(
                [&](auto& call) { return code_of(execution.read(OutputStream::stdout_, buffer, call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_of(execution.wait(CallOptions::within(50ms))), ErrorCode::timed_out);
  EXPECT_FALSE(box_->executions()->back().status) << "it runs";
  ASSERT_TRUE(execution.kill());
  EXPECT_EQ(execution.wait()->signal, 9);
}

TEST_F(EarlyEndTest, InputThatNobodyReadsCanBeGivenUp) {
  auto execution = sleeper();
  const std::vector<std::byte> much(8u << 20);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(execution.write_stdin(much, call)); }),
            ErrorCode::cancelled);
  EXPECT_TRUE(execution.kill());
}

TEST_F(EarlyEndTest, ARunOfACommandCanBeStopped) {
  ASSERT_TRUE(box_->start());
  EXPECT_EQ(code_when_stopped([&](auto& call) {
              return code_of(box_->run_command({.command = {"sleep", "1000"}}, {}, {}, call));
            }),
            ErrorCode::cancelled);
}

TEST_F(EarlyEndTest, AStopGoesOnInTheBox) {
  auto stubborn = create(*runtime_, {.command = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}});
  ASSERT_TRUE(stubborn.start());
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(stubborn.stop({.grace = 20s}, call)); }),
            ErrorCode::cancelled);
  ASSERT_TRUE(stubborn.stop({.force = true}));
  EXPECT_EQ(stubborn.info()->status, BoxStatus::stopped);
}

TEST_F(EarlyEndTest, WhoWaitsForAnEndCanLeave) {
  ASSERT_TRUE(box_->start());
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(box_->wait_stopped(call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_of(box_->wait_stopped(CallOptions::within(50ms))), ErrorCode::timed_out);
}

TEST_F(EarlyEndTest, ReadersGoOnWithTheNextCall) {
  ASSERT_TRUE(box_->start());
  auto logs = box_->logs({.follow = true});
  auto network = box_->network_log({.follow = true});
  auto events = runtime_->events();
  auto watch = box_->files().watch("/tmp");
  ASSERT_TRUE(logs && network && events && watch);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(logs->next(call)); }), ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(network->next(call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(events->next(call)); }), ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(watch->next(call)); }), ErrorCode::cancelled);
  ASSERT_TRUE(box_->files().write("/tmp/new", {}));
  EXPECT_EQ(watch->next(CallOptions::within(20s))->front().path, "new");
}

TEST_F(EarlyEndTest, HalfACopyIsNoFile) {
  const auto large = directory() / "large";
  const UniqueFd file(::open(large.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(file.get(), 1 << 30), 0);
  ASSERT_EQ(::pwrite(file.get(), "end", 3, (1 << 30) - 3), 3);
  const std::vector<char> noise(64u << 20, 'x');
  ASSERT_EQ(::pwrite(file.get(), noise.data(), noise.size(), 0), static_cast<ssize_t>(noise.size()));
  std::stop_source source;
  const auto stop_there = [&](const Progress& at) {
    if (at.done > (4u << 20)) source.request_stop();
  };
  EXPECT_EQ(code_of(box_->files().copy_in(large, "/large", {},
                                          {.stop = source.get_token(), .progress = stop_there})),
            ErrorCode::cancelled);
  EXPECT_TRUE(comes_true([&] { return code_of(box_->files().stat("/large")) == ErrorCode::not_found; }));
}

TEST_F(EarlyEndTest, APipeThatNobodyReadsOrWritesStopsNoCaller) {
  ASSERT_TRUE(box_->start());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  auto files = box_->files();
  EXPECT_EQ(
      code_when_stopped([&](auto& call) { return code_of(files.pack("/bin", writer.get(), {}, call)); }),
      ErrorCode::cancelled);
  int idle[2];
  ASSERT_EQ(::pipe2(idle, O_CLOEXEC), 0);
  const UniqueFd silent(idle[0]);
  const UniqueFd held(idle[1]);
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(files.unpack(silent.get(), "/", {}, call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_when_stopped(
                [&](auto& call) { return code_of(files.write_from("/piped", silent.get(), {}, call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(
      code_when_stopped([&](auto& call) { return code_of(runtime_->images().load(silent.get(), {}, call)); }),
      ErrorCode::cancelled);
}

TEST_F(EarlyEndTest, ASilentRegistryStopsNoCaller) {
  const UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(silent.get(), 8), 0);
  ASSERT_EQ(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto image = "127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/team/app:1";
  EXPECT_EQ(code_when_stopped([&](auto& call) { return code_of(runtime_->images().pull(image, {}, call)); }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_of(runtime_->images().pull(image, {}, CallOptions::within(50ms))), ErrorCode::timed_out);
  EXPECT_EQ(code_when_stopped([&](auto& call) {
              return code_of(runtime_->create({.image = image}, {.pull = PullPolicy::always}, call));
            }),
            ErrorCode::cancelled);
  EXPECT_EQ(code_of(runtime_->create({.image = image}, {.pull = PullPolicy::never})), ErrorCode::not_found);
}

TEST_F(EarlyEndTest, AClosedRuntimeStartsNothing) {
  ASSERT_TRUE(box_->start());
  const auto pid = *box_->info()->shim_pid;
  ASSERT_TRUE(runtime_->close());
  EXPECT_EQ(box_->info()->status, BoxStatus::stopped);
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(code_of(box_->start()), ErrorCode::stopped);
  EXPECT_EQ(code_of(runtime_->create({})), ErrorCode::stopped);
  EXPECT_TRUE(runtime_->close());
  EXPECT_TRUE(open().get("early")->start()) << "another one does";
}

TEST_F(EarlyEndTest, ACloseThatIsTooLateKills) {
  auto stubborn = create(*runtime_, {.command = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}});
  ASSERT_TRUE(stubborn.start());
  EXPECT_EQ(code_of(runtime_->close(CallOptions::within(50ms))), ErrorCode::timed_out);
  EXPECT_NE(stubborn.info()->status, BoxStatus::running);
}

}  // namespace
}  // namespace boxlite::test
