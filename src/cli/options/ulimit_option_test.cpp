// SPDX-License-Identifier: Apache-2.0
#include "cli/options/ulimit_option.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(UlimitOption, ReadsDockersNotation) {
  EXPECT_EQ(parse_ulimit("nofile=1024:2048"), (Ulimit{"nofile", 1024, 2048}));
  EXPECT_EQ(parse_ulimit("nproc=3"), (Ulimit{"nproc", 3, 3}));
  EXPECT_EQ(parse_ulimit("core=-1"), (Ulimit{"core", unlimited, unlimited}));
  EXPECT_EQ(parse_ulimit("core=0:unlimited"), (Ulimit{"core", 0, unlimited}));
  for (const char* wrong : {"", "core", "=1", "core=", "core=1:", "core=:1", "core=-2", "core=1:2:3",
                            "core=1k", "core=99999999999999999999"})
    EXPECT_FALSE(parse_ulimit(wrong)) << wrong;
}

TEST(UlimitOption, TheLastOfANameCounts) {
  std::vector<Ulimit> limits;
  const auto accept = accept_ulimit(limits);
  EXPECT_FALSE(accept("core=1"));
  EXPECT_FALSE(accept("nofile=2"));
  EXPECT_FALSE(accept("core=3"));
  EXPECT_TRUE(accept("core"));
  EXPECT_EQ(limits, (std::vector<Ulimit>{{"nofile", 2, 2}, {"core", 3, 3}}));
}

}  // namespace
}  // namespace boxlite::cli
