// SPDX-License-Identifier: Apache-2.0
// Every image here is unpacked by umoci, built by us as a disk and exported by us as a directory; the three
// must hold the same, entry by entry, and e2fsck must find nothing to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/concat.h"
#include "disk/image_disk.h"
#include "disk/rootfs_export.h"
#include "file_facts.h"
#include "file_listing.h"
#include "tar/test_tar.h"
#include "test_image.h"
#include "umoci_peer.h"

namespace boxlite::tests {
namespace {

using tar::testing::TestTar;

bool can_make_devices(const Scratch& scratch) {
  return ::mknod((scratch / "probe").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
}

// Version 2: user::rw-, user:1000:r--, group::r--, mask::r--, other::---.
std::string access_acl() {
  std::string acl = little_endian({2});
  const auto entry = [&](unsigned tag, unsigned permissions, std::uint32_t id) {
    acl += little_endian({tag | permissions << 16, id});
  };
  entry(1, 6, 0xffffffff);
  entry(2, 4, 1000);
  entry(4, 4, 0xffffffff);
  entry(16, 4, 0xffffffff);
  entry(32, 0, 0xffffffff);
  return acl;
}

TEST(Layers, metadata_of_every_kind_of_file_is_exact) {
  TestTar tar;
  tar.directory("./")
      .directory("bin")
      .file("bin/tool", "#!", 06755)
      .directory("tmp", 01777)
      .directory("closed", 0);
  tar.file("empty", "")
      .file("none", "secret", 0)
      .file("block", std::string(4096, 'b'))
      .file("more", std::string(70001, 'm'));
  tar.add({.name = "owned", .content = "o", .uid = 70'000, .gid = 4'000'000'000});
  tar.add({.name = "p", .type = '6', .mode = 0640, .uid = 7});
  for (const char* when :
       {"1700000000.123456789", "-5.5", "0", "2147483648.25", "4294967296.5", "9000000000"}) {
    tar.add({.name = concat("time-", when), .content = "t", .pax = {{"mtime", when}}});
  }
  tar.add({.name = "link-time",
           .type = '2',
           .link_target = "x",
           .mode = 0777,
           .uid = 3,
           .pax = {{"mtime", "1.5"}}});
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, devices_keep_their_numbers) {
  if (const Scratch scratch; !can_make_devices(scratch)) GTEST_SKIP() << "no right to make device nodes";
  TestTar tar;
  tar.directory("./");
  tar.add({.name = "null", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3});
  tar.add({.name = "sda1", .type = '4', .mode = 0660, .gid = 6, .device_major = 8, .device_minor = 1});
  tar.add({.name = "wide", .type = '3', .device_major = 259, .device_minor = 1'000'000});
  tar.add({.name = "zero", .type = '3', .device_major = 0, .device_minor = 0}).hard_link("null2", "null");
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, long_and_odd_names_and_targets_are_kept) {
  TestTar tar;
  tar.directory("./")
      .file(std::string(255, 'n'), "255")
      .file("not-utf8-\xff\xfe", "x")
      .file("new\nline", "y");
  std::string deep;
  for (int i = 0; i < 14; ++i) tar.directory(deep += std::string(250, static_cast<char>('a' + i)) + "/");
  tar.file(deep + "bottom", "deep");
  for (const std::size_t length : {1u, 59u, 60u, 61u, 100u, 101u, 1000u, 4095u}) {
    tar.symlink(concat("target-", length), std::string(length, 't'));
  }
  tar.gnu_long('L', std::string(130, 'g')).file("cut", "gnu");
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, extended_attributes_capabilities_and_acls_are_kept) {
  TestTar tar;
  tar.directory("./");
  tar.add({.name = "ping",
           .content = "p",
           .mode = 0755,
           .pax = {{"SCHILY.xattr.security.capability", file_capability()}}});
  tar.add({.name = "acl",
           .content = "a",
           .mode = 0640,
           .pax = {{"SCHILY.xattr.system.posix_acl_access", access_acl()}}});
  tar.add({.name = "many",
           .content = "m",
           .pax = {{"SCHILY.xattr.user.one", "1"},
                   {"SCHILY.xattr.user.zeros", std::string(5, '\0')},
                   {"SCHILY.xattr.user.long", std::string(2000, 'l')},
                   {"SCHILY.xattr.trusted.t", "t"}}});
  tar.add({.name = "dir", .type = '5', .mode = 0755, .pax = {{"SCHILY.xattr.user.d", "d"}}});
  tar.add({.name = "labelled", .content = "s", .pax = {{"SCHILY.xattr.security.selinux", "system_u"}}});
  TestTar upper;  // attributes of a directory are replaced, not added up
  upper.add({.name = "dir", .type = '5', .mode = 0700, .pax = {{"SCHILY.xattr.user.e", "e"}}});
  expect_same_as_umoci({tar.finish(), upper.finish()});
}

// Checksumming a directory's blocks must not bring the inode table into a cache that is written back later.
TEST(Layers, an_attribute_does_not_harm_the_inodes_beside_it) {
  TestTar tar;
  tar.directory("./").directory("bin");
  for (int i = 0; i < 21; ++i) tar.file(concat("bin/f", i), "x");
  tar.add({.name = "bin/ping", .content = "p", .pax = {{"SCHILY.xattr.user.t", "v"}}});
  tar.directory("bin/z");
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, attributes_up_to_the_last_byte_of_their_block_are_kept) {
  TestTar tar;
  tar.directory("./");
  for (std::size_t size = 4020; size <= 4036; ++size)
    tar.add(
        {.name = concat(size), .content = "x", .pax = {{"SCHILY.xattr.user.abcd", std::string(size, 'v')}}});
  for (std::size_t size = 60; size <= 76; ++size)
    tar.add(
        {.name = concat(size), .content = "x", .pax = {{"SCHILY.xattr.user.abcd", std::string(size, 'v')}}});
  tar.add({.name = "both",
           .content = "x",
           .pax = {{"SCHILY.xattr.user.abcd", std::string(4036, 'v')},
                   {"SCHILY.xattr.trusted.t", std::string(60, 't')}}});
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, symlinks_have_the_mode_that_linux_gives_them) {
  TestTar tar;
  tar.directory("./");
  tar.add({.name = "a", .type = '2', .link_target = "x", .mode = 0600});
  tar.add({.name = "b", .type = '2', .link_target = std::string(70, 'x'), .mode = 04755});
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, directories_with_thousands_of_names_are_indexed) {
  TestTar tar;
  tar.directory("./").directory("big").directory("bigger");
  for (int i = 0; i < 3000; ++i)
    tar.file(concat("big/", i, std::string(static_cast<std::size_t>(i % 60), 'x')), "");
  for (int i = 0; i < 4000; ++i) tar.symlink(concat("bigger/", std::string(40, 'y'), i), "t");
  for (int i = 0; i < 300; ++i) tar.directory(concat("sub/implicit/", i));
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, an_index_of_two_levels_is_valid) {
  const Scratch scratch;
  TestTar tar;
  tar.directory("big");
  tar.file("big/first", "x");
  for (int i = 0; i < 12'000; ++i) tar.hard_link(concat("big/", std::string(230, 'z'), i), "big/first");
  const TestImage image(scratch / "oci", {tar.finish()});
  const auto built = disk::build_image_disk(image.layers(), scratch / "disk.ext4", small_disk());
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(list_ext4(scratch / "disk.ext4").size(), 12'003u);
  run(concat("debugfs -R 'htree_dump /big' '", (scratch / "disk.ext4").native(), "'"), scratch / "htree");
  EXPECT_THAT(text_of(scratch / "htree"), ::testing::HasSubstr("Indirect levels: 1"));
}

TEST(Layers, whiteouts_hide_only_what_lower_layers_brought) {
  TestTar lower;
  lower.directory("./")
      .directory("a")
      .file("a/gone", "1")
      .file("a/kept", "2")
      .directory("a/tree")
      .file("a/tree/x", "3");
  lower.directory("opaque").file("opaque/old", "4").directory("opaque/dir").file("opaque/dir/old", "5");
  lower.directory("both")
      .file("both/old", "6")
      .directory("late")
      .file("late/old", "7")
      .file("again", "first");
  TestTar upper;
  upper.directory("a").whiteout("a/.wh.gone").whiteout("a/.wh.tree").whiteout("a/.wh.never-there");
  upper.directory("opaque").file("opaque/new", "8").whiteout("opaque/.wh..wh..opq").file("opaque/newer", "9");
  upper.directory("both").whiteout("both/.wh.old").file("both/old", "replaced");
  upper.directory("late").file("late/old", "brought here").whiteout("late/.wh.old");
  upper.whiteout(".wh.again").whiteout("missing/.wh.x").whiteout("missing/.wh..wh..opq");
  TestTar top;
  top.file("again", "second").directory("opaque/dir").file("opaque/dir/new", "10").whiteout(".wh.both");
  expect_same_as_umoci({lower.finish(), upper.finish(), top.finish()});
}

TEST(Layers, a_whiteout_of_a_directory_spares_what_its_own_layer_put_there) {
  TestTar lower;
  lower.directory("./").directory("d").file("d/old", "1").directory("d/sub").file("d/sub/old", "2");
  TestTar upper;
  upper.directory("d").directory("d/sub").file("d/sub/new", "3").whiteout(".wh.d");
  expect_same_as_umoci({lower.finish(), upper.finish()});
}

TEST(Layers, an_opaque_root_empties_everything_below) {
  TestTar lower;
  lower.directory("./").file("x", "1").directory("d").file("d/y", "2");
  TestTar upper;
  upper.whiteout(".wh..wh..opq").file("only", "3");
  expect_same_as_umoci({lower.finish(), upper.finish()});
}

TEST(Layers, a_file_may_become_any_other_kind_of_file) {
  TestTar lower;
  lower.directory("./");
  TestTar upper;
  const std::string kinds = "fdsp";
  const auto add = [](TestTar& tar, char kind, const std::string& name, const std::string& content) {
    if (kind == 'f') tar.file(name, content);
    if (kind == 'd') tar.directory(name, 0750).file(name + "/inside", content);
    if (kind == 's') tar.symlink(name, "target-" + content);
    if (kind == 'p') tar.add({.name = name, .type = '6'});
  };
  for (const char from : kinds) {
    for (const char to : kinds) {
      add(lower, from, concat(from, "-to-", to), "old");
      add(upper, to, concat(from, "-to-", to), "new");
    }
  }
  expect_same_as_umoci({lower.finish(), upper.finish()});
}

TEST(Layers, hard_links_cross_layers_and_survive_the_loss_of_a_name) {
  TestTar lower;
  lower.directory("./").file("one", "content").hard_link("two", "one").hard_link("three", "./two");
  lower.symlink("s", "one").hard_link("s-twin", "s").directory("d");
  TestTar upper;
  upper.hard_link("d/four", "/three").whiteout(".wh.one").file("two", "a new file").hard_link("five", "two");
  TestTar top;
  top.hard_link("six", "d/four").directory("d").file("three", "replaced");
  expect_same_as_umoci({lower.finish(), upper.finish(), top.finish()});
}

TEST(Layers, symlinked_parents_lead_inside_the_image_only) {
  TestTar lower;
  lower.directory("./")
      .directory("real")
      .directory("real/sub")
      .symlink("rel", "real")
      .symlink("abs", "/real");
  lower.symlink("up", "../../../../../../real")
      .symlink("chain", "rel/sub")
      .symlink("dangling", "implicit-made/here");
  lower.symlink("self", "self").file("real/victim", "v").file("real/hidden", "h");
  TestTar upper;
  upper.file("rel/1", "1").file("abs/2", "2").file("up/3", "3").file("chain/4", "4").file("dangling/5", "5");
  upper.file("rel/sub/../6", "6")
      .whiteout("abs/.wh.victim")
      .hard_link("twin", "up/1")
      .whiteout("up/.wh.hidden");
  upper.file("implicit/a/b/c", "deep").file("/absolute", "a");
  expect_same_as_umoci({lower.finish(), upper.finish()});
}

TEST(Layers, sparse_files_read_the_same_and_stay_sparse) {
  TestTar tar;
  std::string map = "3\n4096\n5\n20000000\n8192\n67108864\n0\n";
  map.resize(512);
  tar.directory("./");
  tar.add({.name = "x",
           .content = map + "start" + std::string(8192, 's'),
           .pax = {{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "sparse"},
                   {"GNU.sparse.realsize", "67108864"}}});
  std::string zeros(3 << 20, '\0');
  zeros[1 << 20] = 'x';
  tar.file("zeros", zeros).file("all-zero", std::string(100'000, '\0'));
  expect_same_as_umoci({tar.finish()});
}

TEST(Layers, a_file_of_more_than_4_gib_keeps_its_size_and_takes_no_room) {
  const Scratch scratch;
  TestTar tar;
  const std::uint64_t size = (std::uint64_t{5} << 30) + 3;
  std::string map = concat("2\n5000000000\n4\n", size, "\n0\n");
  map.resize(512);
  tar.add({.name = "x",
           .content = map + "deep",
           .pax = {{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "large"},
                   {"GNU.sparse.realsize", concat(size)}}});
  const TestImage image(scratch / "oci", {tar.finish()});
  const auto built = disk::build_image_disk(image.layers(), scratch / "disk.ext4", {});
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_LT(built->allocated_bytes, std::uint64_t{6} << 20);
  ASSERT_EQ(
      run(concat("debugfs -R 'stat /large' '", (scratch / "disk.ext4").native(), "'"), scratch / "stat"), 0);
  EXPECT_THAT(text_of(scratch / "stat"), ::testing::HasSubstr(concat("Size: ", size)));
  EXPECT_THAT(text_of(scratch / "stat"), ::testing::HasSubstr("(1220703):"));
}

TEST(Layers, files_in_thousands_of_pieces_have_deep_extent_trees) {
  const Scratch scratch;
  TestTar tar;
  std::string map = "2000\n";
  for (int i = 0; i < 2000; ++i) map += concat(i * 8192, "\n4096\n");
  map.resize((map.size() + 511) / 512 * 512);
  std::string content;
  for (int i = 0; i < 2000; ++i) content += std::string(4096, static_cast<char>('a' + i % 26));
  tar.add({.name = "x",
           .content = map + content,
           .pax = {{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "pieces"},
                   {"GNU.sparse.realsize", concat(2000 * 8192)}}});
  const TestImage image(scratch / "oci", {tar.finish()});
  ASSERT_TRUE(disk::build_image_disk(image.layers(), scratch / "disk.ext4", small_disk()));
  std::string whole(2000 * 8192, '\0');
  for (std::size_t i = 0; i < 2000; ++i) whole.replace(i * 8192, 4096, content, i * 4096, 4096);
  ContentDigest digest;
  digest.update(whole);
  EXPECT_THAT(list_ext4(scratch / "disk.ext4").at("/pieces"),
              ::testing::HasSubstr(concat("content=", digest.text(), " ")));
}

TEST(Layers, the_same_layers_give_the_same_bytes_however_they_are_compressed) {
  const Scratch scratch;
  TestTar lower;
  lower.directory("d").file("d/f", std::string(100'000, 'f')).file("g", "g");
  lower.add({.name = "x", .content = "x", .pax = {{"SCHILY.xattr.user.k", std::string(500, 'v')}}});
  TestTar upper;
  upper.file("d/f", std::string(50'000, 'e')).whiteout(".wh.g");
  const std::vector<std::string> tars = {lower.finish(), upper.finish()};
  for (const auto& [name, compression] :
       {std::pair{"plain", Compression::plain}, {"gzip", Compression::gzip}, {"zstd", Compression::zstd}}) {
    const TestImage image(scratch / concat("oci-", name), tars, compression);
    disk::ImageDiskOptions options;
    options.size_bytes = disk::min_disk_bytes;
    const auto built = disk::build_image_disk(image.layers(), scratch / name, options);
    ASSERT_TRUE(built) << built.error().message();
  }
  for (const char* other : {"gzip", "zstd"}) {
    EXPECT_EQ(run(concat("cmp '", (scratch / "plain").native(), "' '", (scratch / other).native(), "'"),
                  scratch / "cmp"),
              0)
        << text_of(scratch / "cmp");
  }
}

TEST(Layers, a_file_that_was_replaced_leaves_no_bytes_behind) {
  const Scratch scratch;
  TestTar lower;
  lower.file("f", std::string(8 << 20, 'L')).file("z", "z");
  TestTar upper;
  upper.whiteout(".wh.f");
  const TestImage image(scratch / "oci", {lower.finish(), upper.finish()});
  const auto built = disk::build_image_disk(image.layers(), scratch / "disk.ext4", small_disk());
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_LT(built->allocated_bytes, std::uint64_t{4} << 20);
  EXPECT_NE(run(concat("grep -q LLLLLLLL '", (scratch / "disk.ext4").native(), "'"), scratch / "grep"), 0);
}

}  // namespace
}  // namespace boxlite::tests
