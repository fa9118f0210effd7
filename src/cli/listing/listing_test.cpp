// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/listing.h"

#include <gtest/gtest.h>

#include "cli/output/units.h"

namespace boxlite::cli {
namespace {

const auto now = *parse_time("2026-11-22T10:15:00Z");

BoxInfo web() {
  BoxInfo box;
  box.id = "a1B2c3D4e5F6";
  box.spec.name = "web";
  box.spec.image = "debian:12";
  box.spec.command = {"python3", "-c", "print('a b')"};
  box.created_at = "2026-11-22T09:15:00Z";
  box.started_at = "2026-11-22T10:10:00Z";
  return box;
}

TEST(ListingTest, SaysHowABoxIs) {
  auto box = web();
  EXPECT_EQ(status_text(box, now), "Created");
  box.status = BoxStatus::running;
  EXPECT_EQ(status_text(box, now), "Up 5 minutes");
  box.status = BoxStatus::stopped;
  EXPECT_EQ(status_text(box, now), "Stopped");
  box.stopped_at = "2026-11-22T10:14:00Z";
  box.exit_code = 7;
  EXPECT_EQ(status_text(box, now), "Exited (7) 1 minute ago");
  box.status = BoxStatus::failed;
  EXPECT_EQ(status_text(box, now), "Failed 1 minute ago");
}

TEST(ListingTest, QuotesCommandsAsAShellWould) {
  BoxSpec spec;
  EXPECT_EQ(command_text(spec), "-");
  spec.entrypoint = {"sh"};
  spec.command = {"-c", "it's", ""};
  EXPECT_EQ(command_text(spec), "sh -c 'it'\\''s' ''");
}

TEST(ListingTest, PutsBoxesInColumns) {
  EXPECT_EQ(boxes_table({web()}, {.now = now, .is_truncated = true}),
            "BOX ID         IMAGE       COMMAND                    CREATED      STATUS    NAME\n"
            "a1B2c3D4e5F6   debian:12   python3 -c 'print('\\''a…   1 hour ago   Created   web\n");
}

TEST(ListingTest, ShowsWholeCommandsOnDemand) {
  const auto text = boxes_table({web()}, {.now = now, .is_truncated = false});
  EXPECT_NE(text.find("python3 -c 'print('\\''a b'\\'')'"), std::string::npos) << text;
}

TEST(ListingTest, ShowsReferencesAsPeopleTypeThem) {
  const auto expect = [](std::string_view reference, std::string_view repository, std::string_view tag) {
    const auto name = split_reference(reference);
    EXPECT_EQ(name.repository, repository) << reference;
    EXPECT_EQ(name.tag, tag) << reference;
  };
  expect("docker.io/library/debian:12", "debian", "12");
  expect("docker.io/boxlite/base:latest", "boxlite/base", "latest");
  expect("localhost:5000/x:1", "localhost:5000/x", "1");
  expect("localhost:5000/x", "localhost:5000/x", "<none>");
  expect("ghcr.io/a/b@sha256:00ff", "ghcr.io/a/b", "<none>");
  expect("", "", "<none>");
}

TEST(ListingTest, PutsImagesInColumns) {
  ImageInfo image;
  image.reference = "docker.io/library/debian:12";
  image.id = "sha256:0123456789abcdef";
  image.pulled_at = "2026-11-20T10:15:00Z";
  image.size_bytes = 48'100'000;
  EXPECT_EQ(images_table({image}, {.now = now, .is_truncated = true}),
            "REPOSITORY   TAG   IMAGE ID       PULLED       SIZE\n"
            "debian       12    0123456789ab   2 days ago   48.1 MB\n");
}

}  // namespace
}  // namespace boxlite::cli
