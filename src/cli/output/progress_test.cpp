// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.h"

#include <gtest/gtest.h>

#include "cli/output/table.h"

namespace boxlite::cli {
namespace {

TEST(ProgressTest, DrawsBarAmountAndRate) {
  EXPECT_EQ(progress_line({"pull", "debian:12", 12'300'000, 49'200'000}, 5'200'000, 100),
            "pull   debian:12  [======>                 ]  12.3 MB / 49.2 MB  5.20 MB/s");
}

TEST(ProgressTest, DrawsNoBarForAnUnknownTotal) {
  EXPECT_EQ(progress_line({"load", "x.tar", 12'300'000, 0}, 0, 100), "load   x.tar  12.3 MB");
  EXPECT_EQ(progress_line({"boot", "", 0, 0}, 0, 100), "boot  ");
}

TEST(ProgressTest, NeverClaimsMoreThanAll) {
  EXPECT_EQ(progress_line({"pull", "x", 200, 100}, 0, 100),
            "pull   x  [========================]  100 B / 100 B");
}

TEST(ProgressTest, FitsIntoAnyWidth) {
  const boxlite::Progress progress{"disk", std::string(200, 'x') + "\033[2J", 1'000'000, 3'000'000};
  for (const std::size_t width : {10u, 30u, 69u, 70u, 200u}) {
    const auto line = progress_line(progress, 1e6, width);
    EXPECT_LE(display_width(line), width);
    EXPECT_EQ(line.find('\033'), std::string::npos);
  }
}

}  // namespace
}  // namespace boxlite::cli
