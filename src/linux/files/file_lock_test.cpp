// SPDX-License-Identifier: Apache-2.0
#include "linux/files/file_lock.h"

#include <optional>

#include <gtest/gtest.h>

#include "base/files.h"

namespace boxlite::linux_ {
namespace {

TEST(FileLock, IsHeldUntilTheObjectGoes) {
  const auto dir = TempDir::create(testing::TempDir(), "lock-");
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "lock";
  EXPECT_FALSE(*FileLock::is_held(path));
  {
    const auto lock = FileLock::try_acquire(path, LockMode::exclusive);
    ASSERT_TRUE(lock);
    EXPECT_TRUE(*FileLock::is_held(path));
    const auto second =
        FileLock::acquire(path, LockMode::shared, Deadline::after(std::chrono::milliseconds(5)));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), ErrorCode::timed_out);
  }
  EXPECT_FALSE(*FileLock::is_held(path));
}

TEST(FileLock, SharedHoldersDoNotExcludeEachOther) {
  const auto dir = TempDir::create(testing::TempDir(), "lock-");
  ASSERT_TRUE(dir);
  const auto first = FileLock::try_acquire(dir->path() / "lock", LockMode::shared);
  EXPECT_TRUE(FileLock::try_acquire(dir->path() / "lock", LockMode::shared));
  EXPECT_FALSE(FileLock::try_acquire(dir->path() / "lock", LockMode::exclusive));
}

}  // namespace
}  // namespace boxlite::linux_
