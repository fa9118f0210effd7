// SPDX-License-Identifier: Apache-2.0
#include "cli/options/mount_options.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

Mount volume(std::string_view text) {
  const auto wish = parse_volume_option(text);
  EXPECT_TRUE(wish) << text << ": " << wish.error().message;
  return wish ? wish->mount : Mount();
}

TEST(VolumeOption, TellsPathsFromNames) {
  EXPECT_EQ(volume("/a/b:/c"), (Mount{.type = MountType::bind, .source = "/a/b", .target = "/c"}));
  EXPECT_EQ(volume("/a/../b/:/c").source, "/b");
  EXPECT_EQ(volume("cache:/c"), (Mount{.type = MountType::volume, .source = "cache", .target = "/c"}));
  EXPECT_EQ(volume("/c"), (Mount{.type = MountType::volume, .target = "/c"}));
  EXPECT_EQ(volume(".:/c").source, std::filesystem::current_path().native());
  EXPECT_EQ(volume("./x:/c").source, (std::filesystem::current_path() / "x").native());
  ::setenv("HOME", "/home/u", 1);
  EXPECT_EQ(volume("~/x:/c").source, "/home/u/x");
  EXPECT_TRUE(parse_volume_option("/a:/c")->makes_source);
}

TEST(VolumeOption, KnowsASocketByWhatItIs) {
  const auto path =
      std::filesystem::temp_directory_path() / ("mount-options-" + std::to_string(::getpid()) + ".sock");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto wish = parse_volume_option(path.native() + ":/agent.sock");
  ::close(fd);
  std::filesystem::remove(path);
  ASSERT_TRUE(wish);
  EXPECT_EQ(wish->mount.type, MountType::socket);
  EXPECT_EQ(parse_mount_option("type=socket,src=/x,dst=/y")->mount.type, MountType::socket);
  EXPECT_FALSE(parse_mount_option("type=socket,dst=/y"));
}

TEST(VolumeOption, ReadsItsOptions) {
  EXPECT_TRUE(volume("/a:/c:ro").read_only);
  EXPECT_FALSE(volume("/a:/c:rw").read_only);
  EXPECT_TRUE(volume("/a:/c:ro,z,rprivate").read_only);
  EXPECT_TRUE(volume("cache:/c:nocopy").no_copy);
}

TEST(VolumeOption, RefusesWhatItDoesNotUnderstand) {
  for (const char* text :
       {"", ":", ":/c", "/a:", "/a:c", "a/b:/c", "/a:/c:ro:x", "/a:/c:what", "/a:/c:nocopy"}) {
    const auto wish = parse_volume_option(text);
    ASSERT_FALSE(wish) << text;
    EXPECT_EQ(wish.error().exit_code, exit_usage) << text;
    EXPECT_THAT(wish.error().message, HasSubstr("-v \"")) << text;
  }
}

TEST(MountOption, ReadsDockersFields) {
  const auto bind = parse_mount_option("type=bind,source=/a,target=/c,readonly");
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->mount, (Mount{.type = MountType::bind, .source = "/a", .target = "/c", .read_only = true}));
  EXPECT_FALSE(bind->makes_source);
  EXPECT_EQ(parse_mount_option("src=cache,dst=/c,volume-nocopy")->mount,
            (Mount{.type = MountType::volume, .source = "cache", .target = "/c", .no_copy = true}));
  EXPECT_EQ(parse_mount_option("src=cache,dst=/c,readonly=false,volume-nocopy=0")->mount,
            (Mount{.type = MountType::volume, .source = "cache", .target = "/c"}));
  for (const auto* yes : {"1", "t", "T", "TRUE", "true", "True"})
    EXPECT_TRUE(parse_mount_option(std::string("src=cache,dst=/c,readonly=") + yes)->mount.read_only) << yes;
  for (const auto* no : {"0", "f", "F", "FALSE", "false", "False"})
    EXPECT_FALSE(parse_mount_option(std::string("src=cache,dst=/c,readonly=") + no)->mount.read_only) << no;
  EXPECT_EQ(parse_mount_option("tmpfs-size=1m,dst=/t,type=tmpfs")->mount.tmpfs_bytes, 1u << 20);
  EXPECT_EQ(parse_mount_option("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700")->mount,
            (Mount{.type = MountType::tmpfs, .target = "/t", .tmpfs_bytes = 1 << 20, .tmpfs_mode = 0700}));
}

TEST(MountOption, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "type=nfs,dst=/c", "type=bind,dst=/c", "src=a", "dst=c", "dst=/c,colour=red",
                           "type=tmpfs,dst=/c,tmpfs-size=big", "type=tmpfs,dst=/c,tmpfs-mode=9",
                           "type=bind,src=/a,dst=/c,readonly=maybe", "src=a1,dst=/c,volume-nocopy=x",
                           "src=a1,dst=/c,tmpfs-size=1m", "tmpfs-size=1m,dst=/c",
                           "type=tmpfs,dst=/c,volume-nocopy", "type=tmpfs,dst=/c,bind-propagation=shared"}) {
    const auto wish = parse_mount_option(text);
    ASSERT_FALSE(wish) << text;
    EXPECT_EQ(wish.error().exit_code, exit_usage) << text;
  }
}

TEST(TmpfsOption, ReadsSizeAndMode) {
  EXPECT_EQ(parse_tmpfs_option("/t")->mount, (Mount{.type = MountType::tmpfs, .target = "/t"}));
  EXPECT_EQ(parse_tmpfs_option("/t:size=2k,mode=755,ro,noexec")->mount, (Mount{.type = MountType::tmpfs,
                                                                               .target = "/t",
                                                                               .read_only = true,
                                                                               .tmpfs_bytes = 2048,
                                                                               .tmpfs_mode = 0755}));
  EXPECT_EQ(parse_tmpfs_option("/t:exec,suid,dev,uid=7,gid=8,noatime,rw")->mount,
            (Mount{.type = MountType::tmpfs,
                   .target = "/t",
                   .tmpfs_uid = 7,
                   .tmpfs_gid = 8,
                   .tmpfs_exec = true,
                   .tmpfs_suid = true,
                   .tmpfs_dev = true}));
  EXPECT_EQ(parse_tmpfs_option("/t:exec,noexec")->mount, parse_tmpfs_option("/t")->mount)
      << "the last counts";
  for (const char* wrong : {"t", "/t:what", "/t:uid=root", "/t:gid=", "/t:gid=4294967295", "/t:exec=1"})
    EXPECT_FALSE(parse_tmpfs_option(wrong)) << wrong;
}

TEST(ProvideSource, MakesWhatVolumesNeedAndMountsDemand) {
  const auto place = std::filesystem::path(testing::TempDir()) / "provide-source-test";
  std::filesystem::remove_all(place);
  MountWish wish{.mount = {.type = MountType::bind, .source = (place / "a").native(), .target = "/c"}};
  const auto refused = provide_source(wish);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().remedy, HasSubstr("-v"));
  wish.makes_source = true;
  EXPECT_TRUE(provide_source(wish));
  EXPECT_TRUE(std::filesystem::is_directory(place / "a"));
  EXPECT_TRUE(provide_source(wish));
  wish.mount.source = (place / "service.sock").native();
  const auto no_socket = provide_source(wish);
  ASSERT_FALSE(no_socket);
  EXPECT_THAT(no_socket.error().message, HasSubstr("no such socket"));
  EXPECT_THAT(no_socket.error().remedy, HasSubstr("start the service"));
  EXPECT_FALSE(std::filesystem::exists(place / "service.sock"));
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace boxlite::cli
