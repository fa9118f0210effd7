// SPDX-License-Identifier: Apache-2.0
// Trees through an archive and back.
#include <cstdlib>

#include <gmock/gmock.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "tar/test_tree.h"

namespace boxlite::tar {
namespace {

using ::testing::HasSubstr;
using testing::Scratch;
namespace fs = std::filesystem;

class RoundTripTest : public ::testing::Test {
 protected:
  void copy(const std::string& from, const std::string& to, const SourceOptions& options = {}) {
    const auto archive = testing::pack(from, options);
    ASSERT_TRUE(archive) << archive.error().message();
    const auto done = testing::unpack_copy(*archive, to);
    ASSERT_TRUE(done) << done.error().message();
  }
  std::string path(std::string_view name) const { return scratch_.path(name); }
  Scratch scratch_;
};

TEST_F(RoundTripTest, FilesKeepBytesModesTimesAndLinks) {
  scratch_.directory("src/deep/er");
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 7);
  scratch_.write("src/data", bytes);
  scratch_.write("src/empty", "");
  scratch_.write("src/deep/er/x", "x");
  ASSERT_EQ(::chmod(path("src/data").c_str(), 0751), 0);
  fs::create_symlink("../nowhere", path("src/link"));
  fs::create_hard_link(path("src/data"), path("src/deep/same"));
  ASSERT_EQ(::mkfifo(path("src/fifo").c_str(), 0640), 0);
  const timespec times[] = {{1, 0}, {1'600'000'000, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("src/data").c_str(), times, 0), 0);
  ASSERT_EQ(::utimensat(AT_FDCWD, path("src/deep").c_str(), times, 0), 0);
  ASSERT_EQ(::chmod(path("src/deep").c_str(), 0555), 0);
  copy(path("src"), path("dst"));
  EXPECT_EQ(scratch_.read("dst/data"), bytes);
  EXPECT_EQ(scratch_.read("dst/deep/er/x"), "x");
  EXPECT_EQ(scratch_.status("dst/empty").st_size, 0);
  EXPECT_EQ(scratch_.status("dst/data").st_mode & 07777, 0751u);
  EXPECT_EQ(scratch_.status("dst/data").st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(scratch_.status("dst/data").st_ino, scratch_.status("dst/deep/same").st_ino);
  EXPECT_EQ(fs::read_symlink(path("dst/link")), "../nowhere");
  EXPECT_TRUE(S_ISFIFO(scratch_.status("dst/fifo").st_mode));
  EXPECT_EQ(scratch_.status("dst/fifo").st_mode & 07777, 0640u);
  EXPECT_EQ(scratch_.status("dst/deep").st_mode & 07777, 0555u);
  EXPECT_EQ(scratch_.status("dst/deep").st_mtim.tv_nsec, 123'456'789);
  for (const auto* name : {"src/deep", "dst/deep"}) ::chmod(path(name).c_str(), 0755);
}

TEST_F(RoundTripTest, LongNamesAndOldTimesNeedPax) {
  const std::string part(200, 'n');
  scratch_.directory("src/" + part);
  scratch_.write("src/" + part + "/" + part, "long");
  fs::create_symlink(std::string(300, 't'), path("src/s"));
  const timespec times[] = {{0, 0}, {-5, 500'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("src/" + part + "/" + part).c_str(), times, 0), 0);
  copy(path("src"), path("dst"));
  EXPECT_EQ(scratch_.read("dst/" + part + "/" + part), "long");
  EXPECT_EQ(scratch_.status("dst/" + part + "/" + part).st_mtim.tv_sec, -5);
  EXPECT_EQ(scratch_.status("dst/" + part + "/" + part).st_mtim.tv_nsec, 500'000'000);
  EXPECT_EQ(fs::read_symlink(path("dst/s")).native().size(), 300u);
}

TEST_F(RoundTripTest, HolesStayHoles) {
  const UniqueFd file(::open(path("holes").c_str(), O_CREAT | O_RDWR, 0600));
  ASSERT_EQ(::pwrite(file.get(), "begin", 5, 0), 5);
  ASSERT_EQ(::pwrite(file.get(), "middle", 6, 50 << 20), 6);
  ASSERT_EQ(::ftruncate(file.get(), 60 << 20), 0);
  scratch_.write("nothing", "");
  fs::resize_file(path("nothing"), 10 << 20);
  const auto archive = testing::pack(path("holes"));
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_LT(archive->size(), 1u << 20);
  copy(path("holes"), path("copy"));
  copy(path("nothing"), path("nothing2"));
  EXPECT_TRUE(scratch_.read("copy") == scratch_.read("holes"));
  EXPECT_LT(scratch_.status("copy").st_blocks, 1000);
  EXPECT_EQ(scratch_.status("nothing2").st_size, 10 << 20);
  EXPECT_EQ(scratch_.status("nothing2").st_blocks, 0);
}

TEST_F(RoundTripTest, ExtendedAttributesCome) {
  scratch_.write("f", "x");
  const std::string value("a\0b\nc", 5);
  if (::setxattr(path("f").c_str(), "user.k", value.data(), value.size(), 0) != 0)
    GTEST_SKIP() << "no xattrs here";
  copy(path("f"), path("g"));
  std::string got(10, '\0');
  const auto size = ::getxattr(path("g").c_str(), "user.k", got.data(), got.size());
  ASSERT_EQ(size, 5);
  EXPECT_EQ(got.substr(0, 5), value);
}

// Its files claim to have no bytes, or a page of them.
TEST_F(RoundTripTest, WhatTheKernelShowsIsReadToItsEnd) {
  const auto boot_id = *read_file("/proc/sys/kernel/random/boot_id");
  copy("/proc/sys/kernel/random/boot_id", path("one"));
  EXPECT_EQ(scratch_.read("one"), boot_id);
  copy("/proc/sys/kernel/random", path("all"));
  EXPECT_EQ(scratch_.read("all/boot_id"), boot_id);
  copy("/sys/kernel/mm/transparent_hugepage/enabled", path("sys"));
  EXPECT_EQ(scratch_.read("sys"), *read_file("/sys/kernel/mm/transparent_hugepage/enabled"));
}

TEST_F(RoundTripTest, WhatCannotBeReadIsToldOfAndTheRestPacked) {
  testing::StringSink sink;
  Packer packer(sink);
  const auto source = find_source(concat("/proc/self/task/", ::getpid()), {});
  ASSERT_TRUE(source);
  ASSERT_TRUE(packer.add(source->directory.get(), source->name, source->archive_name));
  ASSERT_TRUE(packer.finish());
  const auto outcome = packer.outcome();
  ASSERT_FALSE(outcome) << "mem cannot be read from its beginning";
  EXPECT_THAT(outcome.error().message(), HasSubstr(source->archive_name));
  const auto done = testing::unpack_copy(sink.bytes, path("task"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_THAT(scratch_.read("task/status"), HasSubstr("Pid:"));
  // What was asked for itself is an error.
  EXPECT_FALSE(testing::pack("/proc/self/mem"));
}

TEST_F(RoundTripTest, GnuTarUnderstandsTheArchive) {
  scratch_.directory("src");
  scratch_.write("src/f", "content");
  scratch_.write("src/" + std::string(150, 'l'), "long");
  scratch_.write("holes", "begin");
  fs::resize_file(path("holes"), 5 << 20);
  const auto tree = testing::pack(path("src"));
  const auto sparse = testing::pack(path("holes"));
  ASSERT_TRUE(tree && sparse);
  scratch_.write("a.tar", *tree);
  scratch_.write("b.tar", *sparse);
  scratch_.directory("out");
  for (const auto* name : {"a.tar", "b.tar"}) {
    const auto command = "tar -C " + path("out") + " -xf " + path(name);
    ASSERT_EQ(std::system(command.c_str()), 0) << name;
  }
  EXPECT_EQ(scratch_.read("out/src/f"), "content");
  EXPECT_EQ(scratch_.read("out/src/" + std::string(150, 'l')), "long");
  EXPECT_TRUE(scratch_.read("out/holes") == scratch_.read("holes"));
  EXPECT_EQ(scratch_.status("out/src/f").st_mtim.tv_nsec, scratch_.status("src/f").st_mtim.tv_nsec);
}

// ---- where a copy goes: Docker's table -------------------------------------------------------------------

TEST_F(RoundTripTest, AFileGoesUnderANewNameIntoADirectoryOrOverAFile) {
  scratch_.write("f", "new");
  copy(path("f"), path("g"));
  EXPECT_EQ(scratch_.read("g"), "new");
  scratch_.write("old", "old");
  copy(path("f"), path("old"));
  EXPECT_EQ(scratch_.read("old"), "new");
  scratch_.directory("d");
  copy(path("f"), path("d"));
  EXPECT_EQ(scratch_.read("d/f"), "new");
  copy(path("f"), path("made/below/name"));
  EXPECT_EQ(scratch_.read("made/below/name"), "new");
  const auto missing = testing::unpack_copy(*testing::pack(path("f")), path("none/"));
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  const auto below_file = testing::unpack_copy(*testing::pack(path("f")), path("old/"));
  EXPECT_EQ(below_file.error().code(), ErrorCode::invalid_argument);
}

TEST_F(RoundTripTest, ADirectoryGoesUnderANewNameOrIntoADirectory) {
  scratch_.directory("src");
  scratch_.write("src/f", "x");
  scratch_.directory("dst");
  copy(path("src"), path("new"));
  EXPECT_EQ(scratch_.read("new/f"), "x");
  copy(path("src"), path("dst"));
  EXPECT_EQ(scratch_.read("dst/src/f"), "x");
  copy(path("src/."), path("dst"));
  EXPECT_EQ(scratch_.read("dst/f"), "x");
  copy(path("src/."), path("fresh"));
  EXPECT_EQ(scratch_.read("fresh/f"), "x");
  copy(path("src"), path("content"), {.without_parent = true});
  EXPECT_EQ(scratch_.read("content/f"), "x");
  copy(path("src/"), path("slash/"));
  EXPECT_EQ(scratch_.read("slash/f"), "x");
  scratch_.write("file", "");
  const auto onto = testing::unpack_copy(*testing::pack(path("src")), path("file"));
  EXPECT_THAT(onto.error().message(), HasSubstr("onto the file"));
  EXPECT_EQ(testing::pack(path("src"), {.recursive = false}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(testing::pack(path("file/")).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(testing::pack(path("none")).error().code(), ErrorCode::not_found);
}

TEST_F(RoundTripTest, ALinkIsCopiedItselfUnlessFollowed) {
  scratch_.write("f", "content");
  fs::create_symlink("f", path("link"));
  copy(path("link"), path("same"));
  EXPECT_EQ(fs::read_symlink(path("same")), "f");
  copy(path("link"), path("followed"), {.follow_link = true});
  EXPECT_TRUE(S_ISREG(scratch_.status("followed").st_mode));
  scratch_.directory("d");
  copy(path("link"), path("d"), {.follow_link = true});
  EXPECT_EQ(scratch_.read("d/link"), "content");
}

TEST_F(RoundTripTest, ExistingFilesStayWhenAsked) {
  scratch_.directory("src");
  scratch_.write("src/a", "new");
  scratch_.write("src/b", "new");
  scratch_.directory("dst/src");
  scratch_.write("dst/src/a", "old");
  const auto done = testing::unpack_copy(*testing::pack(path("src")), path("dst"), {.overwrite = false});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->skipped_existing, 1u);
  EXPECT_EQ(scratch_.read("dst/src/a"), "old");
  EXPECT_EQ(scratch_.read("dst/src/b"), "new");
}

}  // namespace
}  // namespace boxlite::tar
