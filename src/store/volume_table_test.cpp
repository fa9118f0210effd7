// SPDX-License-Identifier: Apache-2.0
#include "store/volume_table.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace boxlite::store {
namespace {

TEST(VolumeTable, KeepsWhatItWasTold) {
  const auto dir = TempDir::create(testing::TempDir(), "volumes-").value();
  auto table = VolumeTable::open(dir.path() / "db");
  ASSERT_TRUE(table) << table.error().message();
  const VolumeRecord named{.name = "cache", .created_at = "2026-01-01T00:00:00Z"};
  const VolumeRecord anonymous{.name = "00ff", .created_at = "2026-01-02T00:00:00Z", .is_anonymous = true};
  EXPECT_TRUE(table->insert(named).value());
  EXPECT_TRUE(table->insert(anonymous).value());
  EXPECT_FALSE(table->insert({.name = "cache", .created_at = "later"}).value()) << "it stays as it is";
  EXPECT_EQ(table->get("cache").value(), named);
  EXPECT_EQ(VolumeTable::open(dir.path() / "db")->list().value(), (std::vector{anonymous, named}));
  EXPECT_TRUE(table->erase("cache").value());
  EXPECT_FALSE(table->erase("cache").value());
  const auto gone = table->get("cache");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace boxlite::store
