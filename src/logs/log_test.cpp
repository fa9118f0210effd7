// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"
#include "logs/log_reader.h"
#include "logs/log_writer.h"

namespace boxlite::logs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Timestamp at(std::int64_t ns) {
  return Timestamp(std::chrono::nanoseconds(ns));
}

std::vector<std::string> read_all(LogReader& reader) {
  std::vector<std::string> texts;
  while (const auto record = reader.next()) {
    texts.push_back(record->kind == RecordKind::gap ? concat("gap ", record->lost) : record->bytes);
  }
  return texts;
}

class LogTest : public testing::Test {
 protected:
  LogTest() : dir_(*TempDir::create(testing::TempDir(), "log-")) {}
  std::filesystem::path path() const { return dir_.path() / "container.log"; }
  void write_raw(std::string_view bytes) const { ASSERT_TRUE(write_file_atomic(path(), bytes)); }
  TempDir dir_;
};

TEST_F(LogTest, KeepsBytesStreamsAndTimes) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, every_byte, at(1));
  writer.append(RecordKind::stderr_bytes, "e", at(2'000'000'000'123'456'789));
  LogReader reader(path());
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, RecordKind::stdout_bytes);
  EXPECT_EQ(first->bytes, every_byte);
  EXPECT_EQ(first->time, at(1));
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, RecordKind::stderr_bytes);
  EXPECT_EQ(second->time, at(2'000'000'000'123'456'789));
  EXPECT_FALSE(reader.next());
  writer.append(RecordKind::stdout_bytes, "later", at(3));
  EXPECT_THAT(read_all(reader), ElementsAre("later")) << "a reader goes on where it was";
}

TEST_F(LogTest, ThereMayBeNoneYet) {
  LogReader reader(path());
  EXPECT_FALSE(reader.next());
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, "x", at(1));
  EXPECT_THAT(read_all(reader), ElementsAre("x"));
}

TEST_F(LogTest, SplitsWhatIsTooLongForOneRecord) {
  const std::string text(200'000, 'x');
  LogWriter(path(), {}).append(RecordKind::stdout_bytes, text, at(1));
  LogReader reader(path());
  std::string joined;
  for (const auto& piece : read_all(reader)) joined += piece;
  EXPECT_EQ(joined, text);
}

TEST_F(LogTest, GrowsNoLargerThanItsLimit) {
  LogWriter writer(path(), {.file_bytes = 10'000, .files = 3});
  LogReader late(path());
  LogReader early(path());
  std::string all;
  std::string seen;
  for (int i = 0; i < 1000; ++i) {
    const auto text = concat("line ", i, "\n");
    all += text;
    writer.append(RecordKind::stdout_bytes, text, at(i));
    for (const auto& piece : read_all(early)) seen += piece;
  }
  EXPECT_EQ(seen, all) << "who keeps up misses nothing";
  std::uintmax_t bytes = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    bytes += entry.file_size();
    ++files;
  }
  EXPECT_LE(bytes, 30'000u);
  EXPECT_EQ(files, 3);
  std::string kept;
  for (const auto& piece : read_all(late)) kept += piece;
  EXPECT_TRUE(all.ends_with(kept));
  EXPECT_GT(kept.size(), 8'000u);
}

TEST_F(LogTest, WhoFallsBehindIsToldSo) {
  LogWriter writer(path(), {.file_bytes = 4096, .files = 2});
  writer.append(RecordKind::stdout_bytes, "first", at(1));
  LogReader reader(path());
  EXPECT_EQ(reader.next()->bytes, "first");
  const std::string piece(3000, 'x');
  for (int i = 0; i < 9; ++i) writer.append(RecordKind::stdout_bytes, piece, at(2));
  // It still has the file that it was reading, and after that what is left.
  EXPECT_THAT(read_all(reader), ElementsAre(piece, "gap 0", piece, piece));
}

TEST_F(LogTest, ANewWriterGoesOnBehindTheLastWholeRecord) {
  {
    LogWriter writer(path(), {});
    writer.append(RecordKind::stdout_bytes, "whole", at(1));
    writer.append(RecordKind::stdout_bytes, "torn apart", at(2));
  }
  ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(std::filesystem::file_size(path()) - 3)), 0);
  LogReader reader(path());
  EXPECT_THAT(read_all(reader), ElementsAre("whole"));
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, "next", at(3));
  EXPECT_THAT(read_all(reader), ElementsAre("next"));
}

TEST_F(LogTest, LostBytesBecomeAGap) {
  LogWriter writer(path(), {});
  writer.lose(42);
  writer.append(RecordKind::stdout_bytes, "x", at(1));
  EXPECT_EQ(writer.lost(), 0u);
  LogReader reader(path());
  EXPECT_THAT(read_all(reader), ElementsAre("gap 42", "x"));
}

TEST_F(LogTest, AFileThatCannotBeWrittenCostsItsBytesOnly) {
  LogWriter writer(dir_.path() / "missing" / "container.log", {});
  writer.append(RecordKind::stdout_bytes, "12345", at(1));
  EXPECT_EQ(writer.lost(), 5u);
  ASSERT_TRUE(make_directories(dir_.path() / "missing"));
  writer.append(RecordKind::stdout_bytes, "x", at(2));
  LogReader reader(dir_.path() / "missing" / "container.log");
  EXPECT_THAT(read_all(reader), ElementsAre("gap 5", "x"));
}

TEST_F(LogTest, NonsenseIsAGapAndEndsNothing) {
  write_raw(encode_file_header(7) + "this is no record, but long enough to be one");
  LogReader reader(path());
  EXPECT_THAT(read_all(reader), ElementsAre("gap 44"));
  EXPECT_FALSE(reader.next());
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, "after", at(1));
  LogReader fresh(path());
  EXPECT_THAT(read_all(fresh), ElementsAre("after"));
}

TEST_F(LogTest, AStrangersFileIsPutAside) {
  write_raw("hello");
  LogReader reader(path());
  EXPECT_THAT(read_all(reader), IsEmpty());
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, "x", at(1));
  EXPECT_THAT(read_all(reader), ElementsAre("x"));
  ASSERT_EQ(::unlink(path().c_str()), 0);
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  LogReader other(path());
  EXPECT_FALSE(other.next()) << "a pipe does not block it";
}

TEST_F(LogTest, NoFileIsOfGenerationZero) {
  write_raw(encode_file_header(0));
  LogWriter writer(path(), {});
  writer.append(RecordKind::stdout_bytes, "x", at(1));
  LogReader reader(path());
  EXPECT_THAT(read_all(reader), ElementsAre("x"));
}

}  // namespace
}  // namespace boxlite::logs
