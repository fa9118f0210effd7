// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/file_listing.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

TEST(FileListing, WritesModesAsLsDoes) {
  EXPECT_EQ(mode_text({.kind = FileKind::file, .mode = 0644}), "-rw-r--r--");
  EXPECT_EQ(mode_text({.kind = FileKind::directory, .mode = 01777}), "drwxrwxrwt");
  EXPECT_EQ(mode_text({.kind = FileKind::file, .mode = 06750}), "-rwsr-s---");
  EXPECT_EQ(mode_text({.kind = FileKind::socket, .mode = 04600}), "srwS------");
}

TEST(FileListing, SortsByNameAndShowsWhereLinksLead) {
  const auto text =
      files_table({{.name = "b", .kind = FileKind::symlink, .link_target = "x\n"}, {.name = "a"}});
  EXPECT_LT(text.find(" a\n"), text.find(" b -> x?"));
  EXPECT_THAT(text, HasSubstr("1970-01-01T00:00:00Z"));
}

TEST(FileListing, TellsEventsInALine) {
  EXPECT_EQ(event_line({.kind = FileEventKind::created, .path = "d", .is_directory = true}),
            "created     d/");
  EXPECT_EQ(event_line({.kind = FileEventKind::removed}), "removed     .");
  EXPECT_THAT(event_json({.kind = FileEventKind::moved_here, .path = "\xff", .move = 7}),
              HasSubstr("\"move\":7"));
}

}  // namespace
}  // namespace boxlite::cli
