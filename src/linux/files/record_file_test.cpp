// SPDX-License-Identifier: Apache-2.0
#include "linux/files/record_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/files.h"

namespace boxlite::linux_ {
namespace {

class RecordFileTest : public testing::Test {
 protected:
  static constexpr std::size_t room = 16u << 10;

  RecordFileTest() : dir_(*TempDir::create(testing::TempDir(), "record-")) {}
  std::filesystem::path path() const { return dir_.path() / "record"; }
  std::filesystem::path next() const { return dir_.path() / "record.next"; }
  std::string content() const {
    auto text = read_file(path()).value_or("none");
    text.erase(text.find_last_not_of('\n') + 1);
    return text;
  }
  static std::size_t room_of(const std::filesystem::path& file) {
    struct stat status = {};
    return ::stat(file.c_str(), &status) == 0 ? static_cast<std::size_t>(status.st_blocks) * 512 : 0;
  }

  TempDir dir_;
};

TEST_F(RecordFileTest, TheNextContentHasItsRoomBeforehand) {
  RecordFile record(path(), room);
  ASSERT_TRUE(record.take_room());
  EXPECT_EQ(content(), "none");
  EXPECT_GE(room_of(next()), room);
  for (const auto* text : {"one", "a longer one", "two"}) {
    ASSERT_TRUE(record.replace(text));
    EXPECT_EQ(content(), text);
    EXPECT_GE(room_of(next()), room) << text;
  }
  ASSERT_TRUE(record.replace_durably("last"));
  EXPECT_EQ(content(), "last");
}

TEST_F(RecordFileTest, GivesItsRoomBack) {
  {
    ASSERT_TRUE(RecordFile(path(), room).replace("kept"));
  }
  EXPECT_EQ(content(), "kept");
  EXPECT_FALSE(is_there(next()));
}

TEST_F(RecordFileTest, GoesOnAfterAWriterThatWasKilled) {
  ASSERT_TRUE(write_file_atomic(path(), "old"));
  ASSERT_TRUE(write_file_atomic(next(), "something that is longer than what comes"));
  RecordFile record(path(), room);
  ASSERT_TRUE(record.replace("new"));
  EXPECT_EQ(content(), "new");
  ASSERT_TRUE(record.replace("newer"));
  EXPECT_EQ(content(), "newer");
}

}  // namespace
}  // namespace boxlite::linux_
