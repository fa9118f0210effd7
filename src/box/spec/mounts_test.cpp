// SPDX-License-Identifier: Apache-2.0
#include "box/spec/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "box/spec/spec_json.h"

namespace boxlite::box {
namespace {

using testing::HasSubstr;

std::string complaint(const std::vector<Mount>& mounts) {
  const auto checked = check(mounts);
  if (checked) return {};
  EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
  return checked.error().message();
}

TEST(Mounts, AreCheckedOneByOne) {
  EXPECT_EQ(complaint({{.source = "/a", .target = "/b"}}), "");
  EXPECT_EQ(complaint({{.type = MountType::volume, .source = "cache", .target = "/b"}}), "");
  EXPECT_EQ(complaint({{.type = MountType::volume, .target = "/b"}}), "");
  EXPECT_THAT(complaint({{.source = "a", .target = "/b"}}), HasSubstr("absolute"));
  EXPECT_THAT(complaint({{.source = "/a", .target = "b"}}), HasSubstr("absolute"));
  EXPECT_THAT(complaint({{.source = "/a", .target = "/"}}), HasSubstr("root"));
  EXPECT_THAT(complaint({{.source = "/a", .target = "//./"}}), HasSubstr("root"));
  EXPECT_THAT(complaint({{.source = "/a", .target = "/b/../c"}}), HasSubstr("\"..\""));
  EXPECT_THAT(complaint({{.source = "/a", .target = "/proc/sys"}}), HasSubstr("/proc"));
  for (const char* place : {"/dev", "/dev/", "/dev/pts", "/dev/pts/./x"})
    EXPECT_THAT(complaint({{.type = MountType::tmpfs, .target = place}}), HasSubstr("devices")) << place;
  EXPECT_EQ(complaint({{.type = MountType::tmpfs, .target = "/dev/shm"}}), "");
  EXPECT_EQ(complaint({{.type = MountType::tmpfs, .target = "/devices"}}), "");
  EXPECT_THAT(complaint({{.source = std::string("/a\0b", 4), .target = "/b"}}), HasSubstr("zero"));
  EXPECT_THAT(complaint({{.source = "/a", .target = "/" + std::string(5000, 'x')}}),
              HasSubstr("at most 4095"));
  EXPECT_THAT(complaint({{.type = MountType::volume, .source = "../x", .target = "/b"}}), HasSubstr("name"));
  EXPECT_THAT(complaint({{.type = MountType::tmpfs, .source = "/x", .target = "/b"}}), HasSubstr("tmpfs"));
}

TEST(Mounts, OfSocketsAreSockets) {
  using testing::HasSubstr;
  Mount mount{.type = MountType::socket, .source = "/run/a.sock", .target = "/a.sock"};
  EXPECT_TRUE(check(mount));
  mount.read_only = true;
  EXPECT_FALSE(check(mount));
  mount = {.type = MountType::socket, .source = "a.sock", .target = "/a.sock"};
  EXPECT_FALSE(check(mount));
  const auto none = host_sockets_of({{.type = MountType::socket, .source = "/none.sock", .target = "/a"}});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("/none.sock"));
  EXPECT_FALSE(host_sockets_of({{.type = MountType::socket, .source = "/etc/passwd", .target = "/a"}}));
  wire::msg::ContainerSpec container;
  add_socket_mounts({{.type = MountType::tmpfs, .target = "/t"},
                     {.type = MountType::socket, .source = "/x", .target = "//a/"},
                     {.type = MountType::socket, .source = "/y", .target = "/b"}},
                    container);
  ASSERT_EQ(container.mounts_size(), 2);
  EXPECT_EQ(container.mounts(0).target(), "/a");
  EXPECT_EQ(container.mounts(1).host_socket(), 2u);
}

TEST(Mounts, AreCheckedTogether) {
  EXPECT_THAT(complaint({{.source = "/a", .target = "/b"}, {.source = "/c", .target = "//b/."}}),
              HasSubstr("two mounts"));
  EXPECT_THAT(complaint(std::vector<Mount>(257, Mount{.source = "/a", .target = "/b"})), HasSubstr("256"));
}

TEST(Mounts, BecomeFoldersOfTheShim) {
  const auto folders = folders_of({{.source = "/etc", .target = "/b/./c/", .read_only = true},
                                   {.type = MountType::volume, .source = "cache", .target = "/v"},
                                   {.type = MountType::tmpfs, .target = "/t"}},
                                  "/home/volumes");
  ASSERT_TRUE(folders);
  ASSERT_EQ(folders->size(), 2u);
  EXPECT_EQ((*folders)[0], (shimlink::Folder{.host_path = "/etc", .box_path = "/b/c", .is_read_only = true}));
  EXPECT_EQ((*folders)[1],
            (shimlink::Folder{
                .host_path = "/home/volumes/cache", .box_path = "/v", .is_volume = true, .fill = true}));
  const auto gone = folders_of({{.source = "/no/such/place", .target = "/b"}}, "/v");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::not_found);
  EXPECT_FALSE(gone.error().remedy().empty());
}

TEST(Mounts, SurviveTheWayThroughJson) {
  BoxSpec spec;
  spec.mounts = {
      {.source = "/a\xff", .target = "/b", .read_only = true},
      {.type = MountType::volume, .source = "v1", .target = "/v", .no_copy = true, .is_anonymous = true},
      {.type = MountType::tmpfs, .target = "/t", .tmpfs_bytes = 7, .tmpfs_mode = 0700}};
  const auto parsed = parse_box_spec(to_json(spec));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, spec);
}

}  // namespace
}  // namespace boxlite::box
