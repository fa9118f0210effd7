// SPDX-License-Identifier: Apache-2.0
// Layers that lie, end early, climb out or blow up: one clear error each, and nothing left where the disk
// would be.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "disk/image_disk.h"
#include "disk/rootfs_export.h"
#include "tar/test_tar.h"
#include "test_image.h"
#include "umoci_peer.h"

namespace boxlite::tests {
namespace {

using tar::testing::TestTar;
using ::testing::HasSubstr;

class BadLayers : public ::testing::Test {
 protected:
  Error build(const std::vector<disk::LayerSource>& layers) {
    const auto built = disk::build_image_disk(layers, scratch_ / "disk", options_);
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "disk"));
    if (built) return {ErrorCode::internal, "it was built"};

    disk::ExportOptions exporting;
    exporting.limits = options_.limits;
    const auto exported = disk::export_rootfs(layers, scratch_ / "exported", exporting);
    EXPECT_FALSE(exported);
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "exported"));
    return built.error();
  }
  Error build(const std::string& tar) { return build({image({tar}).layers()}); }
  TestImage image(const std::vector<std::string>& tars, Compression compression = Compression::gzip) {
    return {scratch_ / concat("oci-", ++images_), tars, compression};
  }
  // Cuts the blob of `layer` to `size` bytes.
  static void cut(const disk::LayerSource& layer, std::uint64_t size) {
    std::filesystem::resize_file(layer.blob, size);
  }

  Scratch scratch_;
  disk::ImageDiskOptions options_{
      .size_bytes = std::uint64_t{256} << 20, .limits = {}, .progress = {}, .stop = {}};
  int images_ = 0;
};

TEST_F(BadLayers, no_layers_at_all) {
  const Error error = build(std::vector<disk::LayerSource>{});
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_THAT(error.message(), HasSubstr("no layers"));
}

TEST_F(BadLayers, a_blob_that_is_not_there) {
  const Error error = build({{scratch_ / "nowhere", oci::Digest::of("")}});
  EXPECT_EQ(error.code(), ErrorCode::not_found);
}

TEST_F(BadLayers, truncated_at_any_place) {
  TestTar tar;
  std::string noise;
  for (unsigned i = 0, x = 1; i < 100'000; ++i)
    noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  tar.file("f", noise);
  for (const auto compression : {Compression::plain, Compression::gzip, Compression::zstd}) {
    for (const std::uint64_t size : {1u, 5u, 300u, 600u, 50'000u, 99'000u}) {
      const TestImage cut_image = image({tar.finish()}, compression);
      cut(cut_image.layers()[0], size);
      EXPECT_EQ(build(cut_image.layers()).code(), ErrorCode::corrupted) << size;
    }
  }
}

TEST_F(BadLayers, cut_between_entries_is_noticed_by_the_digest) {
  TestTar tar;
  tar.file("f", "x");
  const TestImage plain = image({tar.finish()}, Compression::plain);
  cut(plain.layers()[0], 1024);
  const Error error = build(plain.layers());
  EXPECT_EQ(error.code(), ErrorCode::corrupted);
  EXPECT_THAT(error.message(), HasSubstr("verify layer"));
}

TEST_F(BadLayers, content_of_another_digest) {
  TestTar tar;
  tar.file("f", "x");
  auto layers = image({tar.finish()}).layers();
  layers[0].diff_id = oci::Digest::of("something else");
  const Error error = build(layers);
  EXPECT_EQ(error.code(), ErrorCode::corrupted);
  EXPECT_THAT(error.message(), HasSubstr(layers[0].diff_id.str()));
  EXPECT_THAT(error.message(), HasSubstr("read layer 1 of 1"));
}

TEST_F(BadLayers, bytes_behind_the_archive_count_for_the_digest) {
  TestTar tar;
  tar.file("f", "x");
  const TestImage plain = image({tar.finish()}, Compression::plain);
  std::ofstream(plain.layers()[0].blob, std::ios::app) << "hidden";
  EXPECT_EQ(build(plain.layers()).code(), ErrorCode::corrupted);
}

TEST_F(BadLayers, garbage_behind_a_gzip_member) {
  TestTar tar;
  tar.file("f", "x");
  const TestImage gzipped = image({tar.finish()});
  std::ofstream(gzipped.layers()[0].blob, std::ios::app) << "garbage";
  EXPECT_EQ(build(gzipped.layers()).code(), ErrorCode::corrupted);
}

TEST_F(BadLayers, xz_is_refused_by_name) {
  std::ofstream(scratch_ / "blob") << std::string(
      "\xfd"
      "7zXZ\0",
      6);
  const Error error = build({{scratch_ / "blob", oci::Digest::of("")}});
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.message(), HasSubstr("xz"));
}

TEST_F(BadLayers, names_that_climb_out_of_the_root) {
  for (const char* name : {"../../etc/passwd", "a/../../b", "/../x", ".."}) {
    TestTar tar;
    tar.file(name, "root::0:0");
    const Error error = build(tar.finish());
    EXPECT_EQ(error.code(), ErrorCode::corrupted) << name;
    EXPECT_THAT(error.message(), HasSubstr("leads out of the image's root")) << name;
  }
  TestTar link;
  link.hard_link("shadow", "../../../etc/shadow");
  EXPECT_THAT(build(link.finish()).message(), HasSubstr("leads out of the image's root"));
}

TEST_F(BadLayers, names_that_are_too_long_or_too_deep) {
  TestTar long_name;
  long_name.file(std::string(300, 'n'), "x");
  const Error error = build(long_name.finish());
  EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(error.message(), HasSubstr("longer than 255 bytes"));

  TestTar deep;  // each symlink saves the length of the path so far
  std::string path;
  for (int i = 0; i < 1000; ++i) path += "d/";
  for (int i = 0; i < 4; ++i) {
    deep.directory((i == 0 ? "" : concat("l", i - 1, "/")) + path);
    deep.symlink(concat("l", i), (i == 0 ? "" : concat("l", i - 1, "/")) + path);
  }
  EXPECT_EQ(build(deep.finish()).code(), ErrorCode::resource_exhausted);
}

TEST_F(BadLayers, parents_that_are_files_or_loops) {
  TestTar file;
  file.file("f", "x").file("f/below", "y");
  EXPECT_THAT(build(file.finish()).message(), HasSubstr("is not a directory"));
  TestTar loop;
  loop.symlink("a", "b").symlink("b", "a").file("a/x", "y");
  EXPECT_THAT(build(loop.finish()).message(), HasSubstr("loop"));
}

TEST_F(BadLayers, hard_links_to_nothing_to_directories_and_to_themselves) {
  TestTar nothing;
  nothing.hard_link("h", "missing/file");
  const Error error = build(nothing.finish());
  EXPECT_EQ(error.code(), ErrorCode::corrupted);
  EXPECT_THAT(error.message(), HasSubstr("add \"h\": link to \"missing/file\": the target of a hard link is "
                                         "in neither this layer nor one below"));
  TestTar directory;
  directory.directory("d").hard_link("h", "d");
  EXPECT_THAT(build(directory.finish()).message(), HasSubstr("a directory cannot be hard-linked"));
  TestTar itself;
  itself.file("f", "x").hard_link("f", "f");
  EXPECT_EQ(build(itself.finish()).code(), ErrorCode::corrupted);
}

TEST_F(BadLayers, whiteouts_of_no_name_and_roots_that_are_no_directory) {
  for (const char* name : {".wh.", ".wh..", "d/.wh..."}) {
    TestTar tar;
    tar.directory("d").whiteout(name);
    EXPECT_THAT(build(tar.finish()).message(), HasSubstr("the whiteout names no file")) << name;
  }
  TestTar root;
  root.symlink("./", "/etc");
  EXPECT_THAT(build(root.finish()).message(), HasSubstr("can only be a directory"));
}

TEST_F(BadLayers, entries_of_unknown_types) {
  TestTar tar;
  tar.add({.name = "v", .type = 'V'});
  EXPECT_EQ(build(tar.finish()).code(), ErrorCode::unsupported);
}

TEST_F(BadLayers, limits_are_named_when_they_are_exceeded) {
  TestTar bomb;
  bomb.file("zeros", std::string(50 << 20, '\0'));
  options_.limits.uncompressed_bytes = 10 << 20;
  Error error = build(bomb.finish());
  EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(error.message(), HasSubstr("10485760 bytes"));
  EXPECT_THAT(error.remedy(), HasSubstr("BOXLITE_MAX_LAYER_DECOMPRESSED_SIZE"));

  // Two layers together.
  TestTar half;
  half.file("zeros", std::string(6 << 20, '\0'));
  EXPECT_EQ(build(image({half.finish(), half.finish()}).layers()).code(), ErrorCode::resource_exhausted);

  options_.limits = {};
  options_.limits.entries = 10;
  TestTar many;
  for (int i = 0; i < 11; ++i) many.file(concat(i), "");
  EXPECT_THAT(build(many.finish()).message(), HasSubstr("limit of 10 entries"));

  options_.limits = {};
  options_.limits.metadata_bytes = 100'000;
  TestTar fat;
  for (int i = 0; i < 50; ++i) fat.symlink(concat(i), std::string(4000, 't'));
  EXPECT_THAT(build(fat.finish()).message(), HasSubstr("limit of 100000 bytes"));
}

TEST_F(BadLayers, more_files_or_bytes_than_the_disk_holds) {
  options_.size_bytes = disk::min_disk_bytes;
  TestTar many;
  for (int i = 0; i < 5000; ++i) many.file(concat(i), "");
  const Error inodes =
      disk::build_image_disk(image({many.finish()}).layers(), scratch_ / "disk", options_).error();
  EXPECT_EQ(inodes.code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(inodes.remedy(), HasSubstr("larger disk"));

  TestTar large;
  large.file("f", std::string(70 << 20, 'x'));
  const Error blocks =
      disk::build_image_disk(image({large.finish()}).layers(), scratch_ / "disk", options_).error();
  EXPECT_EQ(blocks.code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(blocks.remedy(), HasSubstr("larger disk"));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "disk"));
}

TEST_F(BadLayers, too_many_xattrs_for_one_file) {
  TestTar tar;
  tar.add({.name = "f", .content = "x", .pax = {{"SCHILY.xattr.user.big", std::string(20'000, 'v')}}});
  const Error error =
      disk::build_image_disk(image({tar.finish()}).layers(), scratch_ / "disk", options_).error();
  EXPECT_EQ(error.code(), ErrorCode::resource_exhausted) << error.message();
  EXPECT_THAT(error.message(), HasSubstr("store \"f\": extended attribute \"user.big\""));
}

TEST_F(BadLayers, attributes_that_the_kernel_would_not_take_are_named_with_their_file) {
  const std::string acl_of_nobody = little_endian({2, 1 | 6 << 16, UINT32_MAX});
  const std::pair<std::string, std::string> bad[] = {{"system.posix_acl_access", "not an ACL"},
                                                     {"system.posix_acl_access", acl_of_nobody},
                                                     {"security.capability", "\1\2\3"},
                                                     {"user.", "a name of nothing"}};
  for (const auto& [name, value] : bad) {
    TestTar tar;
    tar.directory("d").add({.name = "d/f", .content = "x", .pax = {{"SCHILY.xattr." + name, value}}});
    const Error error =
        disk::build_image_disk(image({tar.finish()}).layers(), scratch_ / "disk", options_).error();
    EXPECT_EQ(error.code(), ErrorCode::corrupted) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(concat("\"d/f\": extended attribute \"", name, "\"")));
  }
}

TEST_F(BadLayers, an_export_never_touches_what_lies_outside) {
  std::filesystem::create_directory(scratch_ / "outside");
  std::ofstream(scratch_ / "outside/victim") << "safe";
  TestTar lower;
  lower.symlink("out", (scratch_ / "outside").native()).symlink("rel", "../outside").directory("d");
  TestTar upper;
  upper.file("out/victim", "owned")
      .file("rel/victim", "owned")
      .whiteout("out/.wh.victim")
      .file("rel/new", "x");
  const auto exported =
      disk::export_rootfs(image({lower.finish(), upper.finish()}).layers(), scratch_ / "exported", {});
  ASSERT_TRUE(exported) << exported.error().message();
  EXPECT_EQ(text_of(scratch_ / "outside/victim"), "safe");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch_ / "outside"), {}), 1);
}

TEST_F(BadLayers, an_export_into_a_directory_in_use_is_refused) {
  std::filesystem::create_directory(scratch_ / "exported");
  std::ofstream(scratch_ / "exported/mine") << "kept";
  TestTar tar;
  tar.file("f", "x");
  const auto exported = disk::export_rootfs(image({tar.finish()}).layers(), scratch_ / "exported", {});
  ASSERT_FALSE(exported);
  EXPECT_EQ(exported.error().code(), ErrorCode::already_exists);
  EXPECT_EQ(text_of(scratch_ / "exported/mine"), "kept");
}

TEST_F(BadLayers, an_export_without_root_keeps_owners_in_an_attribute_and_everything_readable) {
  TestTar tar;
  tar.directory("closed", 0).file("closed/secret", "s", 0);
  tar.add({.name = "owned", .content = "o", .mode = 04755, .uid = 1234, .gid = 99});
  tar.add({.name = "null", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3});
  disk::ExportOptions options;
  options.ownership = disk::Ownership::override_xattr;
  const auto exported = disk::export_rootfs(image({tar.finish()}).layers(), scratch_ / "exported", options);
  ASSERT_TRUE(exported) << exported.error().message();
  if (exported->lost_xattrs > 0) GTEST_SKIP() << "the temporary directory stores no user xattrs";
  struct stat status{};
  ASSERT_EQ(::lstat((scratch_ / "exported/closed/secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFREG | 0600u);
  EXPECT_EQ(
      run(concat("getfattr --only-values -n user.containers.override_stat '",
                 (scratch_ / "exported/owned").native(), "' '", (scratch_ / "exported/null").native(), "'"),
          scratch_ / "xattr"),
      0);
  EXPECT_THAT(text_of(scratch_ / "xattr"), HasSubstr("1234:99:04755"));
  EXPECT_THAT(text_of(scratch_ / "xattr"), HasSubstr("0:0:0666:char-1-3"));
}

}  // namespace
}  // namespace boxlite::tests
