// SPDX-License-Identifier: Apache-2.0
#include "tar/tar_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tar/tar_fields.h"
#include "tar/test_tar.h"

namespace boxlite::tar {
namespace {

using ::testing::HasSubstr;
using testing::TestTar;

// Hands out an archive in pieces of a chosen length, so that every boundary is met.
class Pieces final : public ByteStream {
 public:
  Pieces(std::string bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::string_view> next() override {
    const auto out = std::string_view(bytes_).substr(position_, piece_);
    position_ += out.size();
    return out;
  }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t position_ = 0;
};

struct ReadEntry {
  TarEntry entry;
  std::string content;  // holes as '_'
};

Result<std::vector<ReadEntry>> read_all(const std::string& archive, std::size_t piece = 4096) {
  Pieces pieces(archive, piece);
  TarReader reader(pieces);
  std::vector<ReadEntry> out;
  while (auto entry = BOXLITE_TRY(reader.next())) {
    std::string content(entry->size, '_');
    while (auto part = BOXLITE_TRY(reader.read_content())) {
      content.replace(part->offset, part->bytes.size(), part->bytes);
    }
    out.push_back({*std::move(entry), content});
  }
  return out;
}

TEST(TarReader, reads_every_kind_of_entry_whatever_the_pieces_are) {
  TestTar tar;
  tar.directory("d/", 01777).file("d/f", "hello", 04755).symlink("d/s", "../x").hard_link("d/h", "d/f");
  tar.add({.name = "d/c", .type = '3', .device_major = 300, .device_minor = 70000});
  tar.add({.name = "d/b", .type = '4', .device_major = 8, .device_minor = 1});
  tar.add({.name = "d/p", .type = '6'});
  for (const std::size_t piece : {1u, 7u, 511u, 512u, 100000u}) {
    const auto entries = read_all(tar.finish(), piece);
    ASSERT_TRUE(entries) << entries.error().message();
    ASSERT_EQ(entries->size(), 7u);
    EXPECT_EQ((*entries)[0].entry.kind, EntryKind::directory);
    EXPECT_EQ((*entries)[0].entry.mode, 01777u);
    EXPECT_EQ((*entries)[1].content, "hello");
    EXPECT_EQ((*entries)[1].entry.mode, 04755u);
    EXPECT_EQ((*entries)[2].entry.link_target, "../x");
    EXPECT_EQ((*entries)[3].entry.kind, EntryKind::hard_link);
    EXPECT_EQ((*entries)[4].entry.device_major, 300u);
    EXPECT_EQ((*entries)[4].entry.device_minor, 70000u);
    EXPECT_EQ((*entries)[5].entry.kind, EntryKind::block_device);
    EXPECT_EQ((*entries)[6].entry.kind, EntryKind::fifo);
  }
}

TEST(TarReader, takes_names_owners_times_and_xattrs_from_pax_records) {
  TestTar tar;
  const std::string name = "long/" + std::string(200, 'n') + "/\xc3\xa9\xff";
  tar.add({.name = name,
           .content = "x",
           .uid = 3'000'000'000,
           .pax = {{"mtime", "-1.25"},
                   {"atime", "5.000000001"},
                   {"SCHILY.xattr.user.k", std::string("a\0=b\n", 5)}}});
  const auto entries = read_all(tar.finish(), 100);
  ASSERT_TRUE(entries) << entries.error().message();
  const TarEntry& entry = entries->at(0).entry;
  EXPECT_EQ(entry.name, name);
  EXPECT_EQ(entry.uid, 3'000'000'000u);
  EXPECT_EQ(entry.modified, (FileTime{-2, 750'000'000}));
  EXPECT_EQ(entry.accessed, (FileTime{5, 1}));
  ASSERT_EQ(entry.xattrs.size(), 1u);
  EXPECT_EQ(entry.xattrs[0], (Xattr{"user.k", std::string("a\0=b\n", 5)}));
}

TEST(TarReader, reads_gnu_long_names_and_links) {
  TestTar tar;
  const std::string name(300, 'a');
  const std::string target(400, 'b');
  tar.gnu_long('L', name).gnu_long('K', target).add({.name = "short", .type = '2', .link_target = "t"});
  const auto entries = read_all(tar.finish());
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ(entries->at(0).entry.name, name);
  EXPECT_EQ(entries->at(0).entry.link_target, target);
}

TEST(TarReader, keeps_the_holes_of_sparse_files_in_all_pax_formats) {
  TestTar tar;
  tar.add({.name = "GNUSparseFile.0/s",
           .content = "abcde",
           .pax = {{"GNU.sparse.name", "zero-zero"},
                   {"GNU.sparse.size", "20"},
                   {"GNU.sparse.numblocks", "2"},
                   {"GNU.sparse.offset", "2"},
                   {"GNU.sparse.numbytes", "3"},
                   {"GNU.sparse.offset", "10"},
                   {"GNU.sparse.numbytes", "2"}}});
  tar.add(
      {.name = "x",
       .content = "abcde",
       .pax = {{"GNU.sparse.name", "zero-one"}, {"GNU.sparse.size", "20"}, {"GNU.sparse.map", "2,3,10,2"}}});
  std::string map = "2\n2\n3\n10\n2\n";
  map.resize(512);
  tar.add({.name = "x",
           .content = map + "abcde",
           .pax = {{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "one-zero"},
                   {"GNU.sparse.realsize", "20"}}});
  const auto entries = read_all(tar.finish(), 3);
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].entry.name, "zero-zero");
  EXPECT_EQ((*entries)[2].entry.name, "one-zero");
  for (const auto& read : *entries) EXPECT_EQ(read.content, "__abc_____de________");
}

TEST(TarReader, refuses_sparse_maps_that_do_not_fit) {
  for (const char* map : {"2,3,4,2", "2,3,19,2", "2,3,10,3", "2,3,10", "2,3", "9223372036854775807,3,10,2"}) {
    TestTar tar;
    tar.add({.name = "x", .content = "abcde", .pax = {{"GNU.sparse.size", "20"}, {"GNU.sparse.map", map}}});
    const auto entries = read_all(tar.finish());
    ASSERT_FALSE(entries) << map;
    EXPECT_EQ(entries.error().code(), ErrorCode::corrupted) << map;
  }
}

TEST(TarReader, says_that_an_archive_is_truncated_or_no_archive) {
  TestTar tar;
  tar.file("f", std::string(2000, 'x'));
  for (const std::size_t length : {100u, 600u, 2000u}) {
    const auto entries = read_all(tar.finish().substr(0, length));
    ASSERT_FALSE(entries) << length;
    EXPECT_EQ(entries.error().code(), ErrorCode::corrupted);
    EXPECT_THAT(entries.error().message(), HasSubstr("ends inside a file"));
  }
  const auto text = read_all(std::string(1024, 'x'));
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message(), HasSubstr("not a tar archive"));
  EXPECT_TRUE(read_all(tar.bytes()));  // the end marker may be missing
  EXPECT_TRUE(read_all(""));
}

TEST(TarReader, limits_extended_headers_names_and_xattrs) {
  const std::vector<std::pair<std::string, std::string>> cases[] = {
      {{"path", std::string(5000, 'p')}},
      {{"SCHILY.xattr.user.big", std::string(70'000, 'v')}},
      {{"comment", std::string(2u << 20, 'c')}},
  };
  for (const auto& pax : cases) {
    TestTar tar;
    tar.add({.name = "f", .pax = pax});
    const auto entries = read_all(tar.finish());
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code(), ErrorCode::resource_exhausted) << entries.error().message();
  }
  TestTar nul;
  nul.add({.name = "f", .pax = {{"path", std::string("a\0b", 3)}}});
  EXPECT_FALSE(read_all(nul.finish()));
}

TEST(TarFields, read_octal_and_base_256_numbers) {
  EXPECT_EQ(tar_number(std::string_view(" 644 \0", 6), "n").value(), 0644);
  EXPECT_EQ(tar_number(std::string_view("\0\0\0\0", 4), "n").value(), 0);
  EXPECT_EQ(tar_number(std::string_view("\x80\0\0\0\0\0\0\0\0\0\x01\0", 12), "n").value(), 256);
  EXPECT_EQ(tar_number(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12), "n").value(),
            -2);
  EXPECT_EQ(tar_number(std::string_view("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12), "n").value(),
            INT64_MAX);
  EXPECT_FALSE(tar_number(std::string_view("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12), "n"));
  EXPECT_FALSE(tar_number("12x", "n"));
  EXPECT_FALSE(tar_size(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12), "n"));
}

}  // namespace
}  // namespace boxlite::tar
