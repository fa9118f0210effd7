// SPDX-License-Identifier: Apache-2.0
#include "cli/options/box_path.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(CopyPlace, IsABoxBeforeTheFirstColon) {
  const auto place = parse_copy_place("web:/a:b");
  EXPECT_EQ(place.box, "web");
  EXPECT_EQ(place.path, "/a:b");
  EXPECT_EQ(parse_copy_place("web:").path, "");
}

TEST(CopyPlace, IsOnThisHostWithASlashOrADotFirst) {
  for (const auto* path : {"/a:b", "./a:b", "../a:b", "plain", ".", ":x"}) {
    const auto place = parse_copy_place(path);
    EXPECT_EQ(place.box, "") << path;
    EXPECT_EQ(place.path, path);
    EXPECT_FALSE(place.is_stream);
  }
}

TEST(CopyPlace, MayBeAStream) {
  EXPECT_TRUE(parse_copy_place("-").is_stream);
}

}  // namespace
}  // namespace boxlite::cli
