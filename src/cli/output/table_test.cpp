// SPDX-License-Identifier: Apache-2.0
#include "cli/output/table.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoSpacesBehind) {
  Table table({"ID", "NAME", "SIZE"});
  table.add_row({"1", "größe", "12 B"});
  table.add_row({"22222", "x", ""});
  EXPECT_EQ(table.text(),
            "ID      NAME    SIZE\n"
            "1       größe   12 B\n"
            "22222   x\n");
}

TEST(TableTest, ShowsOnlyHeadingsWithoutRows) {
  EXPECT_EQ(Table({"ID", "NAME"}).text(), "ID   NAME\n");
}

TEST(TableTest, LetsNoControlCharactersThrough) {
  EXPECT_EQ(printable("a\033[31mb\tc\nd\x7f"), "a?[31mb?c?d?");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "b"),
            "a?b");
  EXPECT_EQ(printable("é…"), "é…");
}

TEST(TableTest, ShortensByCharactersNotBytes) {
  EXPECT_EQ(shortened("python3 -c x", 12), "python3 -c x");
  EXPECT_EQ(shortened("python3 -c xy", 12), "python3 -c …");
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
}

}  // namespace
}  // namespace boxlite::cli
