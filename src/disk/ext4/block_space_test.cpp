// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/block_space.h"

#include <gtest/gtest.h>

namespace boxlite::disk {
namespace {

void expect_range(const Result<BlockRange>& range, std::uint64_t start, std::uint64_t count) {
  ASSERT_TRUE(range);
  EXPECT_EQ(range->start, start);
  EXPECT_EQ(range->count, count);
}

TEST(BlockSpace, hands_out_blocks_in_order_across_gaps) {
  BlockSpace space({{10, 5}, {20, 5}});
  expect_range(space.take(3), 10, 3);
  expect_range(space.take(10), 13, 2);
  expect_range(space.take(1), 20, 1);
  EXPECT_EQ(space.free_blocks(), 4u);
}

TEST(BlockSpace, uses_returned_blocks_only_when_the_end_is_reached) {
  BlockSpace space({{0, 10}});
  expect_range(space.take(6), 0, 6);
  space.give_back({2, 2});
  expect_range(space.take(3), 6, 3);
  expect_range(space.take(5), 9, 1);
  expect_range(space.take(5), 2, 2);
  const auto full = space.take(1);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::resource_exhausted);
}

TEST(BlockSpace, tells_what_is_taken_with_neighbours_joined) {
  BlockSpace space({{0, 4}, {8, 4}});
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(space.take(1));
  space.give_back({1, 1});
  const auto taken = space.taken();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].start, 0u);
  EXPECT_EQ(taken[0].count, 1u);
  EXPECT_EQ(taken[1].start, 2u);
  EXPECT_EQ(taken[1].count, 2u);
  EXPECT_EQ(taken[2].start, 8u);
  EXPECT_EQ(taken[2].count, 2u);
}

}  // namespace
}  // namespace boxlite::disk
