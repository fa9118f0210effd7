// SPDX-License-Identifier: Apache-2.0
#include "cli/options/suggestion.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(SuggestionTest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("run", ""), 3u);
  EXPECT_EQ(edit_distance("run", "run"), 0u);
  EXPECT_EQ(edit_distance("rnu", "run"), 1u);  // swapped neighbours are one slip
  EXPECT_EQ(edit_distance("inspct", "inspect"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(SuggestionTest, FindsWhatWasMeant) {
  constexpr std::array<std::string_view, 4> words{"run", "rm", "images", "inspect"};
  EXPECT_EQ(nearest("rnu", words), "run");
  EXPECT_EQ(nearest("imags", words), "images");
  EXPECT_EQ(nearest("insepct", words), "inspect");
  EXPECT_EQ(nearest("frobnicate", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("x", words), "");
  EXPECT_EQ(nearest(std::string(100'000, 'r'), words), "");
}

}  // namespace
}  // namespace boxlite::cli
