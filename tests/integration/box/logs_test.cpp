// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

class LogsTest : public BoxTest {
 protected:
  struct Read {
    std::string out;
    std::string err;
    std::uint64_t lost = 0;
    bool has_gap = false;
  };
  static Read read(const Box& box, const LogOptions& options = {}) {
    Read result;
    auto reader = box.logs(options);
    EXPECT_TRUE(reader) << reader.error().message();
    while (reader) {
      const auto record = reader->next(CallOptions::within(20s));
      EXPECT_TRUE(record) << record.error().message();
      if (!record || !*record) break;
      result.has_gap = result.has_gap || (*record)->is_gap;
      result.lost += (*record)->lost_bytes;
      ((*record)->stream == OutputStream::stderr_ ? result.err : result.out) += (*record)->bytes;
    }
    return result;
  }
};

TEST_F(LogsTest, KeepWhatRanWithAndWithoutAClient) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "printf 'a\\000\\377\\nb'; echo err >&2"}});
  EXPECT_EQ(read(box).out, "");
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(becomes(box, BoxStatus::stopped));
  const std::string once("a\0\xff\nb", 5);
  EXPECT_EQ(read(box).out, once);
  EXPECT_EQ(read(box).err, "err\n");
  auto main = box.run();
  ASSERT_TRUE(main);
  EXPECT_EQ(finish(*main).out, once);
  EXPECT_EQ(read(box).out, once + once) << "also of a run in the foreground, and of the one before";
  EXPECT_EQ(read(box, {.tail = 1}).out + read(box, {.tail = 1}).err, "err\n");
  EXPECT_EQ(read(box, {.tail = 0}).out, "");
  EXPECT_EQ(read(box, {.stream = OutputStream::stderr_}).out, "");
  EXPECT_EQ(read(box, {.until = TimePoint()}).out, "");
  EXPECT_EQ(read(box, {.since = std::chrono::system_clock::now() + 1h}).out, "");
  EXPECT_THAT(read(box, {.console = true}).out, testing::Not(testing::HasSubstr("\r")));
}

TEST_F(LogsTest, FollowUntilTheBoxStops) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "echo one; mkfifo /go; read line < /go; echo $line"}});
  ASSERT_TRUE(box.start());
  auto reader = box.logs({.follow = true});
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader->next(CallOptions::within(20s)))->bytes, "one\n");
  EXPECT_EQ(reader->next(CallOptions::within(50ms)).error().code(), ErrorCode::timed_out);
  std::string rest;
  std::thread follower([&] {
    while (true) {
      const auto record = reader->next(CallOptions::within(20s));
      if (!record || !*record) break;
      rest += (*record)->bytes;
    }
  });
  EXPECT_TRUE(
      box.exec({.command = {"sh", "-c", "until test -p /go; do usleep 10000; done; echo two > /go"}}));
  follower.join();
  EXPECT_EQ(rest, "two\n");
  EXPECT_TRUE(becomes(box, BoxStatus::stopped));
}

TEST_F(LogsTest, ABoxThatNobodyReadsRunsOnWithinItsBounds) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; echo end"},
                              .logs = {.file_bytes = 1u << 20, .files = 2}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(becomes(box, BoxStatus::stopped));
  EXPECT_EQ(box.info()->exit_code, 0);
  const auto kept = read(box);
  EXPECT_TRUE(kept.out.ends_with("xend\n"));
  EXPECT_LE(kept.out.size(), 2u << 20);
  EXPECT_GE(kept.out.size(), 900'000u);
}

}  // namespace
}  // namespace boxlite::test
