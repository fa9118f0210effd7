// SPDX-License-Identifier: Apache-2.0
#include "box/spec/folder_owner.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace boxlite::box {
namespace {

TEST(FolderOwner, IsTheBoxsUserTheHostsOrSomebodyElse) {
  EXPECT_EQ(*folder_owner_of(""), shimlink::FolderOwner());
  EXPECT_EQ(*folder_owner_of("box"), shimlink::FolderOwner());
  EXPECT_EQ(*folder_owner_of("host"), (shimlink::FolderOwner{false, ::geteuid(), ::getegid()}));
  EXPECT_EQ(*folder_owner_of("7:0"), (shimlink::FolderOwner{false, 7, 0}));
}

TEST(FolderOwner, WhatIsNeitherIsRefused) {
  for (const auto* const text : {"7", "7:", ":7", "a:b", "-1:0", "4294967295:0", "1:2:3", "Box", "1 :2"})
    EXPECT_FALSE(folder_owner_of(text)) << text;
}

}  // namespace
}  // namespace boxlite::box
