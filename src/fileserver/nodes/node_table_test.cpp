// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/node_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/concat.h"

namespace boxlite::fileserver {
namespace {

class Nodes : public ::testing::Test {
 protected:
  Node& enter(const Place& place, std::uint64_t inode, mode_t type = S_IFREG) {
    return **table_.enter(place, {.inode = inode}, type);
  }
  // That the guest has forgotten, and that is there for what is in it.
  Node& forgotten_directory(std::uint64_t inode) {
    auto& directory = enter({FUSE_ROOT_ID, "d"}, inode, S_IFDIR);
    enter({directory.id, "x"}, inode + 1);
    table_.forget(directory.id, 1);
    return directory;
  }

  NodeTable table_;
};

TEST_F(Nodes, ADirectoryStaysWhileANameInItIsGivenToAnotherFile) {
  const auto id = forgotten_directory(10).id;
  const auto& other = enter({id, "x"}, 99);
  ASSERT_NE(table_.find(id), nullptr);
  EXPECT_EQ(table_.child(id, "x"), &other);
}

TEST_F(Nodes, ADirectoryStaysWhileTheOnlyFileInItIsRenamed) {
  const auto id = forgotten_directory(10).id;
  table_.move({id, "x"}, {id, "y"});
  ASSERT_NE(table_.find(id), nullptr);
  ASSERT_NE(table_.child(id, "y"), nullptr);
  EXPECT_EQ(table_.child(id, "y")->places, (std::vector<Place>{{id, "y"}}));
}

TEST_F(Nodes, WhatIsExchangedStays) {
  const auto id = forgotten_directory(10).id;
  auto& outside = enter({FUSE_ROOT_ID, "o"}, 50);
  const auto* inside = table_.child(id, "x");
  table_.exchange({id, "x"}, {FUSE_ROOT_ID, "o"});
  EXPECT_EQ(table_.child(id, "x"), &outside);
  EXPECT_EQ(table_.child(FUSE_ROOT_ID, "o"), inside);
}

TEST_F(Nodes, WhatIsRestoredHasANameInADirectory) {
  table_.set_last_id(5);
  auto& directory = **table_.restore(2, {.inode = 2}, S_IFDIR);
  auto& file = **table_.restore(3, {.inode = 3}, S_IFREG);
  EXPECT_FALSE(table_.restore(3, {.inode = 4}, S_IFREG)) << "there is one of that number";
  EXPECT_FALSE(table_.restore(6, {.inode = 4}, S_IFREG)) << "which is to be given yet";
  EXPECT_TRUE(table_.restore(file, {directory.id, "x"}));
  EXPECT_FALSE(table_.restore(file, {directory.id, "x"}));
  EXPECT_FALSE(table_.restore(file, {file.id, "y"}));
  EXPECT_FALSE(table_.restore(file, {4, "y"}));
  for (const auto* name : {"", ".", "..", "a/b"}) EXPECT_FALSE(table_.restore(file, {directory.id, name}));
}

TEST_F(Nodes, AllAboveTheLastGoesWithIt) {
  constexpr std::uint64_t depth = 200'000;  // more than a stack has room for
  std::uint64_t above = FUSE_ROOT_ID;
  for (std::uint64_t i = 0; i < depth; ++i) above = enter({above, "d"}, 100 + i, S_IFDIR).id;
  for (std::uint64_t id = FUSE_ROOT_ID + 1; id < above; ++id) table_.forget(id, 1);
  EXPECT_EQ(table_.size(), depth + 1);
  table_.forget(above, 1);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(Nodes, AFileOfManyNamesIsBounded) {
  NodeTable small(100);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(small.enter({FUSE_ROOT_ID, concat(i)}, {.inode = 7}, S_IFREG));
  const auto* file = small.child(FUSE_ROOT_ID, "999");
  ASSERT_NE(file, nullptr);
  EXPECT_LE(file->places.size(), 100u);
  EXPECT_EQ(small.child(FUSE_ROOT_ID, "0"), nullptr);
}

TEST_F(Nodes, WhatIsDroppedTakesAllOfItsNamesAlong) {
  const auto directory = enter({FUSE_ROOT_ID, "d"}, 10, S_IFDIR).id;
  const auto file = enter({directory, "x"}, 11).id;
  const auto other = enter({FUSE_ROOT_ID, "y"}, 12).id;
  table_.drop_all([&](const Node& node) { return node.id == directory || node.id == file; });
  EXPECT_EQ(table_.find(directory), nullptr);
  EXPECT_EQ(table_.find(file), nullptr);
  EXPECT_EQ(table_.child(directory, "x"), nullptr);
  EXPECT_NE(table_.find(other), nullptr);
  EXPECT_EQ(table_.root().children, 1u);
}

}  // namespace
}  // namespace boxlite::fileserver
