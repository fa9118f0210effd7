// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/scope_exit.h"
#include "base/time.h"

namespace boxlite {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::invalid_argument, concat("odd number ", number));
  return number / 2;
}

Result<int> quarter(int number) {
  const int first = BOXLITE_TRY_CONTEXT(concat("halve ", number), half(number));
  return BOXLITE_TRY_CONTEXT("halve again", half(first));
}

TEST(Error, ChainsContextOutermostFirst) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "halve again: odd number 3");
  EXPECT_EQ(result.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(*quarter(8), 2);
}

TEST(Error, KeepsTheFirstRemedy) {
  const Error error = Error(ErrorCode::internal, "x").with_remedy("inner").with_remedy("outer");
  EXPECT_EQ(error.remedy(), "inner");
}

TEST(SyscallError, NamesCallObjectAndCause) {
  const Error error = syscall_error("open", "/dev/kvm", EACCES);
  EXPECT_EQ(error.message(), "open \"/dev/kvm\": Permission denied");
  EXPECT_EQ(error.code(), ErrorCode::permission_denied);
  EXPECT_FALSE(syscall_error("write", "f", ENOSPC).remedy().empty());
}

TEST(Quoted, EscapesWhatCouldForgeALine) {
  EXPECT_EQ(in_quotes("a\n\"b\\"), "\"a\\x0a\\x22b\\x5c\"");
  EXPECT_EQ(in_quotes("grün"), "\"grün\"");
}

TEST(Time, FormatsAndParsesRfc3339) {
  const auto time = parse_rfc3339("2026-11-22T10:15:00.5+01:00");
  ASSERT_TRUE(time);
  EXPECT_EQ(to_rfc3339(*time), "2026-11-22T09:15:00.500Z");
  EXPECT_EQ(*parse_rfc3339(to_rfc3339(*time)), *time);
}

TEST(Time, RefusesWhatIsNotATime) {
  for (const char* text : {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00",
                           "2026-01-01T25:00:00Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00.Z",
                           "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Ids, AreTwelveBase62Characters) {
  const auto id = new_id();
  EXPECT_EQ(id.size(), 12u);
  EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
            std::string::npos);
  EXPECT_NE(id, new_id());
}

TEST(Files, AtomicWriteReplacesAndLeavesNoTemporary) {
  const auto dir = TempDir::create(testing::TempDir(), "files-");
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "state";
  ASSERT_TRUE(write_file_atomic(path, "one"));
  ASSERT_TRUE(write_file_atomic(path, "two", 0644));
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir->path()), {}), 1);
}

TEST(Files, ReadRefusesMoreThanTheLimit) {
  const auto dir = TempDir::create(testing::TempDir(), "files-");
  ASSERT_TRUE(dir);
  ASSERT_TRUE(write_file_atomic(dir->path() / "big", std::string(100, 'x')));
  const auto content = read_file(dir->path() / "big", 99);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code(), ErrorCode::corrupted);
}

TEST(Files, TwoMayRemoveOneTree) {
  const auto dir = TempDir::create(testing::TempDir(), "files-");
  const auto tree = dir->path() / "tree";
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(make_directories(tree / std::to_string(i) / "below"));
    Result<void> other;
    std::thread rival([&] { other = remove_tree(tree); });
    const auto mine = remove_tree(tree);
    rival.join();
    ASSERT_TRUE(mine) << mine.error().message();
    ASSERT_TRUE(other) << other.error().message();
    ASSERT_FALSE(std::filesystem::exists(tree));
  }
}

TEST(Files, TempDirGoesWithEverythingInIt) {
  std::filesystem::path path;
  {
    const auto dir = TempDir::create(testing::TempDir(), "files-");
    ASSERT_TRUE(dir);
    path = dir->path();
    ASSERT_TRUE(make_directories(path / "a" / "b"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(UniqueFd, ClosesOnceAndKeepsErrno) {
  int raw = -1;
  {
    auto fd = open_file("/dev/null", O_RDONLY);
    ASSERT_TRUE(fd);
    raw = fd->get();
    UniqueFd moved = std::move(*fd);
    errno = EDOM;
  }
  EXPECT_EQ(errno, EDOM);
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

TEST(Time, ACountFromElsewhereNeverOverflows) {
  EXPECT_EQ(nanoseconds_from(5), std::chrono::nanoseconds(5));
  EXPECT_EQ(nanoseconds_from(~std::uint64_t{0}), std::chrono::nanoseconds::max());
}

}  // namespace
}  // namespace boxlite
