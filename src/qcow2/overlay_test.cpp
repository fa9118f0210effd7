// SPDX-License-Identifier: Apache-2.0
#include "qcow2/overlay.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "qcow2/header.h"

namespace boxlite::qcow2 {
namespace {

using ::testing::HasSubstr;

class Qcow2 : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create(std::filesystem::temp_directory_path(), "boxlite-qcow2-");
    ASSERT_TRUE(made);
    directory_.emplace(*std::move(made));
    std::ofstream(directory_->path() / "base").close();
    std::filesystem::resize_file(directory_->path() / "base", 1 << 20);
    ASSERT_TRUE(create_overlay(path(), {"base", "raw"}, 3 << 20));
    bytes_ = *read_file(path(), 1 << 20);
  }
  std::filesystem::path path() const { return directory_->path() / "overlay"; }
  // The error of the header with the big-endian number at `offset` replaced.
  std::string error_with(std::size_t offset, std::size_t size, std::uint64_t number) {
    std::string changed = bytes_;
    for (std::size_t i = size; i-- > 0; number >>= 8) changed[offset + i] = static_cast<char>(number & 0xff);
    const auto header = parse_header(changed, changed.size());
    return header ? "accepted" : header.error().message();
  }

  std::optional<TempDir> directory_;
  std::string bytes_;
};

TEST_F(Qcow2, headers_of_our_overlays_are_read_back) {
  const auto header = read_header(path());
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->version, 3u);
  EXPECT_EQ(header->virtual_size, 3u << 20);
  EXPECT_EQ(header->backing_file, "base");
  EXPECT_EQ(header->backing_format, "raw");
  EXPECT_FALSE(header->has_dirty_bit);
}

TEST_F(Qcow2, what_a_hostile_file_could_use_is_refused) {
  EXPECT_THAT(error_with(0, 4, 0), HasSubstr("not a qcow2 file"));
  EXPECT_THAT(error_with(4, 4, 9), HasSubstr("version 9"));
  EXPECT_THAT(error_with(8, 8, ~0ull), HasSubstr("backing file is out of bounds"));
  EXPECT_THAT(error_with(16, 4, 5000), HasSubstr("backing file is out of bounds"));
  EXPECT_THAT(error_with(20, 4, 40), HasSubstr("cluster size"));
  EXPECT_THAT(error_with(24, 8, ~0ull), HasSubstr("virtual size"));
  EXPECT_THAT(error_with(32, 4, 1), HasSubstr("encrypted"));
  EXPECT_THAT(error_with(36, 4, 0), HasSubstr("L1 table"));
  EXPECT_THAT(error_with(40, 8, 1u << 30), HasSubstr("L1 table"));
  EXPECT_THAT(error_with(48, 8, 7), HasSubstr("refcount table"));
  EXPECT_THAT(error_with(60, 4, 1), HasSubstr("snapshots"));
  EXPECT_THAT(error_with(72, 8, 4), HasSubstr("external data file"));
  EXPECT_THAT(error_with(72, 8, 2), HasSubstr("damaged"));
  EXPECT_THAT(error_with(100, 4, 1u << 30), HasSubstr("header length"));
  EXPECT_THAT(error_with(108, 4, 1u << 30), HasSubstr("extension"));
}

TEST_F(Qcow2, every_truncation_is_survived) {
  for (std::size_t size = 0; size < 300; ++size) {
    static_cast<void>(parse_header(std::string_view(bytes_).substr(0, size), size));
  }
}

TEST_F(Qcow2, an_overlay_stands_on_its_own_base_and_nothing_else) {
  const auto base = directory_->path() / "base";
  const auto over = [&](const char* name, const Backing& backing) {
    const auto made = directory_->path() / name;
    EXPECT_TRUE(create_overlay(made, backing, 3 << 20));
    return require_overlay_over(made, base);
  };
  EXPECT_TRUE(over("right", {base, "raw"}));
  // The home has been moved since, and another file has another name.
  const auto elsewhere = directory_->path() / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  std::filesystem::copy_file(base, elsewhere / "base");
  std::filesystem::copy_file(base, elsewhere / "other");
  EXPECT_TRUE(over("moved", {elsewhere / "base", "raw"}));
  EXPECT_FALSE(over("other", {elsewhere / "other", "raw"}));
  const auto relative = over("relative", {"base", "raw"});
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error().code(), ErrorCode::corrupted);
  EXPECT_THAT(relative.error().message(), HasSubstr("another base, \"base\""));
  EXPECT_THAT(over("layered", {directory_->path() / "right", "qcow2"}).error().message(),
              HasSubstr("another base"));
  EXPECT_THAT(require_overlay_over(directory_->path() / "right", {}).error().message(),
              HasSubstr("names a base"));
  std::filesystem::remove(base);
  EXPECT_EQ(require_overlay_over(directory_->path() / "right", base).error().code(), ErrorCode::not_found);
}

TEST_F(Qcow2, an_overlay_replaces_no_file_and_needs_its_base) {
  EXPECT_EQ(create_overlay(path(), {"base", "raw"}, 3 << 20).error().code(), ErrorCode::already_exists);
  const auto missing = create_overlay(directory_->path() / "x", {"nowhere", "raw"}, 3 << 20);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(directory_->path() / "x"));
  EXPECT_FALSE(create_overlay(directory_->path() / "x", {"base", "vmdk"}, 3 << 20));
}

}  // namespace
}  // namespace boxlite::qcow2
