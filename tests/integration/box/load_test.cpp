// SPDX-License-Identifier: Apache-2.0
// Many commands, much output, readers that do not read.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class LoadTest : public BoxTest {};

std::size_t thread_count() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

// A command whose output is collected without a thread.
struct Collected {
  std::string out;
  std::optional<ExitStatus> status;
};

class Collector {
 public:
  void add(Execution execution, Collected& into) {
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    read_next(execution, into);
  }
  bool wait(std::chrono::seconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return open_ == 0; });
  }

 private:
  void read_next(Execution execution, Collected& into) {
    auto reader = execution;
    reader.read_async(OutputStream::stdout_,
                      [this, execution, &into](Result<std::vector<std::byte>> bytes) mutable {
                        if (bytes && !bytes->empty()) {
                          into.out.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
                          return read_next(execution, into);
                        }
                        execution.wait_async([this, &into](Result<ExitStatus> status) {
                          const std::lock_guard lock(mutex_);
                          if (status) into.status = *status;
                          --open_;
                          changed_.notify_all();
                        });
                      });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int open_ = 0;
};

TEST_F(LoadTest, TwoHundredCommandsNeedNoThreadEach) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  const auto threads_before = thread_count();
  constexpr std::size_t count = 200;
  std::vector<Collected> collected(count);
  Collector collector;
  std::vector<Execution> executions;
  for (std::size_t i = 0; i < count; ++i) {
    // All at once: each waits for a line that comes when the last one runs.
    auto execution = box.exec(
        {.command = {"sh", "-c", "read line; echo $0 $line; exit 3", std::to_string(i)}, .use_stdin = true});
    ASSERT_TRUE(execution) << execution.error().message();
    collector.add(*execution, collected[i]);
    executions.push_back(*execution);
  }
  for (auto& execution : executions) {
    ASSERT_TRUE(execution.write_stdin(std::as_bytes(std::span(std::string_view("go\n")))));
  }
  EXPECT_LE(thread_count(), threads_before + 1);
  ASSERT_TRUE(collector.wait(120s));
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(collected[i].out, std::to_string(i) + " go\n");
    ASSERT_TRUE(collected[i].status);
    EXPECT_EQ(collected[i].status->exit_code, 3);
  }
}

TEST_F(LoadTest, OutputThatNobodyReadsBlocksItsOwnCommandOnly) {
  auto runtime = open();
  auto box = create(runtime);
  std::vector<Execution> stalled;
  for (int i = 0; i < 5; ++i) {
    auto execution = box.exec({.command = {"sh", "-c", "head -c 1000000000 /dev/zero; echo never"}});
    ASSERT_TRUE(execution);
    std::byte first[1];
    ASSERT_TRUE(execution->read(OutputStream::stdout_, first)) << "it is on its way";
    stalled.push_back(*execution);
  }
  const auto bytes = run_in(box, {"head", "-c", "20000000", "/dev/zero"}).out;
  EXPECT_EQ(bytes.size(), 20'000'000u);
  const auto commands = box.executions();
  ASSERT_TRUE(commands);
  for (const auto& execution : stalled) {
    const auto found = std::ranges::find(*commands, execution.id(), &ExecutionInfo::id);
    ASSERT_NE(found, commands->end());
    EXPECT_FALSE(found->status) << "it waits for its reader";
    // What is on the way: the box's ring, the credit of the stream and the handle's buffer.
    EXPECT_LT(found->stdout_bytes, 2u << 20);
  }
  for (auto& execution : stalled) EXPECT_TRUE(execution.kill());
}

TEST_F(LoadTest, EveryByteValuePassesInEveryPlace) {
  auto runtime = open();
  auto box = create(runtime);
  std::string all;
  for (int value = 1; value < 256; ++value) all += static_cast<char>(value);
  EXPECT_EQ(run_in(box, {"printf", "%s", all}).out, all);
  auto execution = box.exec(
      {.command = {"sh", "-c", "printf %s \"$ALL\"; printf %s \"$0\" >&2", all}, .env = {{"ALL", all}}});
  ASSERT_TRUE(execution) << execution.error().message();
  const auto ran = finish(*execution);
  EXPECT_EQ(ran.out, all);
  EXPECT_EQ(ran.err, all);
  const std::string with_zero = all + '\0' + "\xc3\x28\xff" + all;
  EXPECT_EQ(run_in(box, {"cat"}, with_zero).out, with_zero);
  const std::string cut("a\0b", 3);
  auto refused = box.exec({.command = {"echo", cut}});
  EXPECT_FALSE(refused && refused->wait_started()) << "a byte of 0 cannot be in an argument";
}

}  // namespace
}  // namespace boxlite::test
