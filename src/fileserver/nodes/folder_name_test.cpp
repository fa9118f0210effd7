// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/folder_name.h"

#include <gtest/gtest.h>

namespace boxlite::fileserver {
namespace {

TEST(FolderName, SaysHowAFolderIsServed) {
  for (const FolderRules& rules : {FolderRules{.is_volume = true}, FolderRules{.follows_box_user = true},
                                   FolderRules{.uid = 4294967294, .gid = 7}, FolderRules{}})
    EXPECT_EQ(parse_folder_name(folder_name(12, rules)), rules);
}

TEST(FolderName, WhatIsNoneIsNothing) {
  for (const auto* const name :
       {"", "v", "3w", "3u", "3u1", "3u1g", "3u1g2x", "3u-1g2", "3u99999999999g1", "-3"})
    EXPECT_FALSE(parse_folder_name(name)) << name;
}

}  // namespace
}  // namespace boxlite::fileserver
