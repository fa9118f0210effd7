// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <mutex>
#include <stdexcept>

#include "base/ids.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class CommandTest : public BoxTest {};

TEST_F(CommandTest, BytesPassUnchangedBothWays) {
  auto runtime = open();
  auto box = create(runtime);
  // More than all buffers on the way together, and every value of a byte.
  const auto bytes = random_bytes(3u << 20);
  const auto ran = run_in(box, {"cat"}, bytes);
  EXPECT_TRUE(ran.out == bytes) << ran.out.size();
  EXPECT_TRUE(ran.status.is_success());
  const auto both = run_in(box, {"sh", "-c", "tee /dev/stderr"}, bytes.substr(0, 1u << 20));
  EXPECT_TRUE(both.out == both.err);
}

TEST_F(CommandTest, TheEndOfAProgramIsNoError) {
  auto runtime = open();
  auto box = create(runtime);
  EXPECT_EQ(run_in(box, {"sh", "-c", "exit 3"}).status.exit_code, 3);
  const auto missing = run_in(box, {"no-such-program"});
  EXPECT_EQ(missing.status.exit_code, 127);
  EXPECT_THAT(missing.status.reason, HasSubstr("no-such-program"));
  EXPECT_EQ(run_in(box, {"/etc/passwd"}).status.exit_code, 126);
  EXPECT_EQ(run_in(box, {"sh", "-c", "kill -TERM $$"}).status.signal, 15);
  EXPECT_EQ(run_in(box, {"printf", "%s", "\xff\xfe"}).out, "\xff\xfe") << "arguments are bytes";
}

TEST_F(CommandTest, ACommandCanBeSignalledAndTimed) {
  auto runtime = open();
  auto box = create(runtime);
  auto sleeper = box.exec({.command = {"sleep", "1000"}});
  ASSERT_TRUE(sleeper);
  ASSERT_TRUE(sleeper->send_signal(10));
  EXPECT_EQ(sleeper->wait()->signal, 10);
  EXPECT_FALSE(sleeper->send_signal(10));
  EXPECT_EQ(sleeper->send_signal(99).error().code(), ErrorCode::invalid_argument);
  auto late = box.exec({.command = {"sh", "-c", "sleep 1000 & sleep 1000"}, .timeout = 300ms});
  ASSERT_TRUE(late);
  const auto end = late->wait();
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->timed_out);
  EXPECT_NE(run_in(box, {"pidof", "sleep"}).status.exit_code, 0);
}

TEST_F(CommandTest, StdinIsWhatTheSpecSays) {
  auto runtime = open();
  auto box = create(runtime);
  auto without = box.exec({.command = {"cat"}});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->write_stdin({}).error().code(), ErrorCode::invalid_state);
  EXPECT_TRUE(without->wait()->is_success());
  auto with = box.exec({.command = {"cat"}, .use_stdin = true});
  ASSERT_TRUE(with && with->close_stdin());
  EXPECT_TRUE(with->close_stdin());
  EXPECT_EQ(with->write_stdin({}).error().code(), ErrorCode::invalid_state);
  EXPECT_TRUE(with->wait()->is_success());
  EXPECT_EQ(with->resize({}).error().code(), ErrorCode::invalid_state);
}

TEST_F(CommandTest, ATerminalIsATerminal) {
  auto runtime = open();
  auto box = create(runtime);
  auto shell = box.exec({.command = {"sh", "-c", "tty; stty size; read x; stty size"},
                         .use_stdin = true,
                         .terminal = TerminalSize{.rows = 10, .columns = 20}});
  ASSERT_TRUE(shell) << shell.error().message();
  ASSERT_TRUE(shell->resize({.rows = 30, .columns = 40}));
  const std::string_view line = "go\n";
  ASSERT_TRUE(shell->write_stdin(std::as_bytes(std::span(line))));
  const auto ran = finish(*shell);
  EXPECT_THAT(ran.out, HasSubstr("/dev/pts/"));
  EXPECT_THAT(ran.out, HasSubstr("30 40"));
}

TEST_F(CommandTest, AsynchronousCallsNeedNoThreadOfTheirOwn) {
  auto runtime = open();
  auto box = create(runtime);
  auto execution = box.exec({.command = {"sh", "-c", "echo one; sleep 0.1; echo two; exit 4"}});
  ASSERT_TRUE(execution);
  std::promise<std::string> output;
  std::promise<int> code;
  std::string text;
  std::function<void(Result<std::vector<std::byte>>)> on_bytes = [&](Result<std::vector<std::byte>> bytes) {
    if (!bytes || bytes->empty()) return output.set_value(text);
    text.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    execution->read_async(OutputStream::stdout_, on_bytes);
  };
  execution->read_async(OutputStream::stdout_, on_bytes);
  execution->wait_async([&](Result<ExitStatus> status) { code.set_value(status ? status->exit_code : -1); });
  EXPECT_EQ(output.get_future().get(), "one\ntwo\n");
  EXPECT_EQ(code.get_future().get(), 4);
}

TEST_F(CommandTest, AnotherRuntimeAttachesToACommand) {
  auto runtime = open();
  auto box = create(runtime, {.name = "a"});
  auto execution = box.exec({.command = {"sh", "-c", "echo early; read x; echo late"}, .use_stdin = true});
  ASSERT_TRUE(execution);
  std::byte buffer[100];
  ASSERT_EQ(*execution->read(OutputStream::stdout_, buffer), 6u);
  auto other = open();
  auto attached = other.get("a")->attach(execution->id());
  ASSERT_TRUE(attached) << attached.error().message();
  ASSERT_TRUE(execution->write_stdin(std::as_bytes(std::span(std::string_view("\n")))));
  EXPECT_EQ(finish(*attached).out, "early\nlate\n");
  EXPECT_EQ(other.get("a")->attach("nobody").error().code(), ErrorCode::not_found);
  EXPECT_EQ(other.get("a")->attach("../x").error().code(), ErrorCode::invalid_argument);
}

TEST_F(CommandTest, ManyCommandsRunAtOnce) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  std::vector<Execution> executions;
  for (int i = 0; i < 20; ++i) {
    auto execution = box.exec({.command = {"sh", "-c", "echo " + std::to_string(i)}});
    ASSERT_TRUE(execution) << execution.error().message();
    executions.push_back(*std::move(execution));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(finish(executions[static_cast<std::size_t>(i)]).out, std::to_string(i) + "\n");
  }
}

TEST_F(CommandTest, AnExceptionOutOfACallbackEndsNothing) {
  std::mutex mutex;
  std::vector<std::string> told;
  auto with_log = options();
  with_log.log = [&](LogLevel level, std::string_view message) {
    const std::lock_guard lock(mutex);
    if (level == LogLevel::error) told.emplace_back(message);
    throw std::logic_error("and the log's own");
  };
  auto runtime = Runtime::open(with_log);
  ASSERT_TRUE(runtime);
  auto box = create(*runtime);
  auto command = box.exec({.command = {"echo", "out"}});
  ASSERT_TRUE(command);
  std::promise<int> second;
  command->read_async(OutputStream::stdout_, [](const auto&) { throw std::runtime_error("the reader's"); });
  command->wait_async([](const auto&) { throw 7; });
  command->wait_async([&](const Result<ExitStatus>& end) { second.set_value(end->exit_code); });
  EXPECT_EQ(second.get_future().get(), 0) << "others are called nevertheless";
  EXPECT_EQ(run_in(box, {"echo", "on"}).out, "on\n");
  const std::lock_guard lock(mutex);
  EXPECT_THAT(told, testing::UnorderedElementsAre(HasSubstr("the reader's"), HasSubstr("unknown type")));
}

}  // namespace
}  // namespace boxlite::test
