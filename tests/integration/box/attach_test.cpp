// SPDX-License-Identifier: Apache-2.0
// Commands that outlive the handle that started them.
#include <algorithm>
#include <thread>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Exactly `count` bytes of stdout.
std::string read_bytes(Execution& execution, std::size_t count) {
  std::string text(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const auto piece =
        execution.read(OutputStream::stdout_, std::as_writable_bytes(std::span(text)).subspan(got));
    if (!piece || *piece == 0) break;
    got += *piece;
  }
  text.resize(got);
  return text;
}

const ExecutionInfo* find(const std::vector<ExecutionInfo>& all, const std::string& id) {
  const auto found = std::ranges::find(all, id, &ExecutionInfo::id);
  return found == all.end() ? nullptr : &*found;
}

class AttachTest : public BoxTest {
 protected:
  void SetUp() override {
    BoxTest::SetUp();
    runtime_.emplace(open());
    box_.emplace(create(*runtime_));
  }
  void TearDown() override {
    box_.reset();
    runtime_.reset();
    BoxTest::TearDown();
  }
  Box& box() { return *box_; }
  Execution start(ExecSpec exec) {
    auto execution = box().exec(exec);
    EXPECT_TRUE(execution) << execution.error().message();
    EXPECT_TRUE(*execution->wait_started());
    return *execution;
  }

  std::optional<Runtime> runtime_;
  std::optional<Box> box_;
};

TEST_F(AttachTest, ACommandOutlivesItsHandleAndIsListed) {
  std::string id;
  {
    const auto execution =
        start({.command = {"sh", "-c", "read line; echo got $line; exit 5"}, .use_stdin = true});
    id = execution.id();
  }
  auto running = box().executions();
  // The end of a client takes its way past that of other calls.
  EXPECT_TRUE(comes_true([&] {
    running = box().executions();
    return running && find(*running, id) != nullptr && !find(*running, id)->stdin_is_taken;
  })) << "the claim went with its client";
  ASSERT_TRUE(running) << running.error().message();
  const auto* info = find(*running, id);
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->command.front(), "sh");
  EXPECT_GT(info->pid, 1);
  EXPECT_TRUE(info->has_stdin);
  EXPECT_FALSE(info->status);

  auto other = open();
  auto attached = other.get(box().id())->attach(id, {.use_stdin = true});
  ASSERT_TRUE(attached) << attached.error().message();
  ASSERT_TRUE(attached->write_stdin(bytes_of("word\n")));
  const auto ran = finish(*attached);
  EXPECT_EQ(ran.out, "got word\n");
  EXPECT_EQ(ran.status.exit_code, 5);
  EXPECT_GT(ran.status.started_at, TimePoint());
  EXPECT_GE(ran.status.ended_at, ran.status.started_at);

  running = box().executions();
  info = find(*running, id);
  ASSERT_NE(info, nullptr);
  ASSERT_TRUE(info->status);
  EXPECT_EQ(info->status->exit_code, 5);
  EXPECT_EQ(info->stdout_bytes, 9u);
  EXPECT_EQ(box().wait(id)->exit_code, 5) << "also long after its end";
}

TEST_F(AttachTest, StdinHasOneWriterAndOutputManyReaders) {
  auto writer = start({.command = {"cat"}, .use_stdin = true});
  const auto refused = box().attach(writer.id(), {.use_stdin = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_state);
  EXPECT_THAT(refused.error().remedy(), HasSubstr("--no-stdin"));

  auto reader = box().attach(writer.id());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->write_stdin(bytes_of("x")).error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(writer.write_stdin(bytes_of("one\n")));
  EXPECT_EQ(read_bytes(*reader, 4), "one\n");
  EXPECT_EQ(read_bytes(writer, 4), "one\n");

  writer.detach();
  std::byte buffer[8];
  EXPECT_EQ(writer.read(OutputStream::stdout_, buffer).error().code(), ErrorCode::cancelled);
  EXPECT_EQ(writer.wait().error().code(), ErrorCode::cancelled);
  auto heir = box().attach(writer.id(), {.stdout_offset = 4, .use_stdin = true});
  ASSERT_TRUE(heir) << heir.error().message();
  ASSERT_TRUE(heir->write_stdin(bytes_of("two\n")));
  ASSERT_TRUE(heir->close_stdin());
  EXPECT_EQ(finish(*heir).out, "two\n");
  EXPECT_EQ(finish(*reader).out, "two\n");
}

TEST_F(AttachTest, WhoComesBackGetsExactlyWhatItMissed) {
  auto first = start({.command = {"sh", "-c", "seq 1 9999; read line; seq 10000 20000"}, .use_stdin = true});
  auto text = read_bytes(first, 1234);
  const auto offset = first.offset(OutputStream::stdout_);
  EXPECT_EQ(offset, 1234u);
  const auto id = first.id();
  first.detach();
  auto second = box().attach(id, {.stdout_offset = offset, .use_stdin = true});
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->skipped(OutputStream::stdout_), 0u);
  ASSERT_TRUE(second->write_stdin(bytes_of("\n")));
  text += finish(*second).out;
  std::string expected;
  for (int i = 1; i <= 20000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_TRUE(text == expected) << text.size() << " of " << expected.size();
}

TEST_F(AttachTest, WhatIsGoneIsSaid) {
  auto first = start({.command = {"sh", "-c", "head -c 1000000 /dev/zero; echo end; sleep 1000"}});
  const auto id = first.id();
  first.detach();
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (find(*box().executions(), id)->stdout_bytes < 1'000'004) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(10ms);
  }
  auto second = box().attach(id);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->skipped(OutputStream::stdout_), 1'000'004u - (256u << 10));
  EXPECT_EQ(second->offset(OutputStream::stdout_), second->skipped(OutputStream::stdout_));
  const auto rest = read_bytes(*second, 256u << 10);
  EXPECT_EQ(rest.size(), 256u << 10);
  EXPECT_TRUE(rest.ends_with("end\n"));
  ASSERT_TRUE(box().send_signal(id, 9));
  EXPECT_EQ(box().wait(id)->signal, 9);
}

TEST_F(AttachTest, NamesThatAreWrongAreRefused) {
  ASSERT_TRUE(box().start());
  EXPECT_EQ(box().attach("nobody").error().code(), ErrorCode::not_found);
  EXPECT_EQ(box().attach("../x").error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(box().send_signal("nobody", 9).error().code(), ErrorCode::not_found);
  EXPECT_EQ(box().send_signal("nobody", 0).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(box().wait("nobody").error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace boxlite::test
