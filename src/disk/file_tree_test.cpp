// SPDX-License-Identifier: Apache-2.0
#include "disk/file_tree.h"

#include <gtest/gtest.h>

namespace boxlite::disk {
namespace {

class NoContent final : public ContentSink {
  Result<void> begin(Inode&) override { return {}; }
  Result<void> write(Inode&, std::uint64_t, std::string_view) override { return {}; }
  Result<void> end(Inode&) override { return {}; }
  Result<void> discard(Inode&) override { return {}; }
};

std::shared_ptr<Inode> symlink_to(std::string target) {
  auto inode = std::make_shared<Inode>();
  inode->kind = EntryKind::symlink;
  inode->symlink_target = std::move(target);
  return inode;
}

TEST(FileTree, FollowsSymlinksButNotForEver) {
  NoContent sink;
  FileTree tree(sink, 1 << 20, 100);
  ASSERT_TRUE(tree.insert(tree.root(), "lib", symlink_to("usr/lib"), 0));
  for (int path = 0; path < 50; ++path) ASSERT_TRUE(tree.locate("lib/x")) << path;
  const auto last = tree.locate("lib/x");
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::resource_exhausted);
  EXPECT_TRUE(tree.locate("usr/lib/x")) << "paths without symlinks cost nothing";
}

}  // namespace
}  // namespace boxlite::disk
