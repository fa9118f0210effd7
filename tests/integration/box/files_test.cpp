// SPDX-License-Identifier: Apache-2.0
// Copies and the file API on real boxes.
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class FilesTest : public BoxTest {
 protected:
  fs::path path(std::string_view name) const { return directory() / name; }
  void put(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string get(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(FilesTest, TreesGoInAndComeOutUnchanged) {
  auto runtime = open();
  auto box = create(runtime);
  auto files = box.files();
  // More than all buffers on the way together.
  const auto large = random_bytes(5u << 20);
  fs::create_directories(path("src/empty"));
  put("src/large", large);
  put("src/hello", "hello\n");
  fs::create_symlink("hello", path("src/link"));
  fs::create_hard_link(path("src/hello"), path("src/same"));
  for (int i = 0; i < 300; ++i)
    put("src/file" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
  ASSERT_EQ(::chmod(path("src/hello").c_str(), 0750), 0);

  std::uint64_t told = 0;
  const auto in =
      files.copy_in(path("src"), "/srv/data", {}, {.progress = [&](const Progress& at) { told = at.done; }});
  ASSERT_TRUE(in) << in.error().message();
  EXPECT_EQ(in->files, 304u);
  EXPECT_GT(told, large.size());
  const auto seen = run_in(
      box, {"sh", "-c", "cd /srv/data; sha256sum large; cat link; stat -c '%a %U %h' hello; ls | wc -l"});
  EXPECT_THAT(seen.out, HasSubstr("hello\n750 root 2\n305"));

  const auto out = files.copy_out("/srv/data", path("back"));
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_TRUE(get("back/large") == large);
  EXPECT_EQ(fs::read_symlink(path("back/link")), "hello");
  EXPECT_EQ(fs::hard_link_count(path("back/same")), 2u);
  EXPECT_TRUE(fs::is_directory(path("back/empty")));
  EXPECT_EQ(get("back/file299"), std::string(299, 'x'));
  EXPECT_EQ(fs::last_write_time(path("back/hello")), fs::last_write_time(path("src/hello")));

  // Below mounts as well, and over a file that is one.
  ASSERT_TRUE(files.copy_in(path("src/hello"), "/dev/shm/h"));
  EXPECT_EQ(run_in(box, {"cat", "/dev/shm/h"}).out, "hello\n");
  ASSERT_TRUE(files.copy_in(path("src/hello"), "/etc/hosts"));
  EXPECT_EQ(run_in(box, {"cat", "/etc/hosts"}).out, "hello\n");
  // The kernel's own directories are passed over.
  const auto everything = files.copy_out("/", path("everything"));
  ASSERT_TRUE(everything) << everything.error().message();
  EXPECT_TRUE(fs::is_empty(path("everything/proc")));
  EXPECT_GT(everything->skipped_special, 0u) << "/dev";

  EXPECT_EQ(files.copy_out("/none", path("x")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files.copy_in(path("none"), "/x").error().code(), ErrorCode::not_found);
  const auto onto_file = files.copy_in(path("src"), "/srv/data/hello");
  EXPECT_THAT(onto_file.error().message(), HasSubstr("onto the file"));
  EXPECT_EQ(files.copy_in(path("src"), "/x", {.recursive = false}).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(files.copy_out("/srv/data", path("y"), {.max_bytes = 1000}).error().code(),
            ErrorCode::resource_exhausted);
}

TEST_F(FilesTest, ArchivesPassThroughDescriptors) {
  auto runtime = open();
  auto box = create(runtime);
  auto files = box.files();
  EXPECT_EQ(files.write("/none/f", bytes_of("content")).error().code(), ErrorCode::not_found);
  ASSERT_TRUE(files.make_directory("/srv/in", {.parents = true}));
  ASSERT_TRUE(files.write("/srv/f", bytes_of("content")));
  const UniqueFd archive(::open(path("a.tar").c_str(), O_RDWR | O_CREAT, 0600));
  const auto packed = files.pack("/srv", archive.get());
  ASSERT_TRUE(packed) << packed.error().message();
  ASSERT_EQ(::lseek(archive.get(), 0, SEEK_SET), 0);
  const auto unpacked = files.unpack(archive.get(), "/srv/in");
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(text_of(*files.read("/srv/in/srv/f")), "content");
  ASSERT_EQ(::lseek(archive.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(files.unpack(archive.get(), "/none").error().code(), ErrorCode::not_found);
  put("junk", "this is no archive" + std::string(3000, '!'));
  const UniqueFd junk(::open(path("junk").c_str(), O_RDONLY));
  EXPECT_EQ(files.unpack(junk.get(), "/srv").error().code(), ErrorCode::corrupted);
}

TEST_F(FilesTest, NewFilesBelongToTheBoxesUser) {
  auto runtime = open();
  auto box = create(runtime, {.user = "1000:1000"});
  auto files = box.files();
  put("f", "x");
  ASSERT_TRUE(files.copy_in(path("f"), "/tmp/copied"));
  ASSERT_TRUE(files.write("/tmp/written", bytes_of("x"), {.mode = 0600}));
  ASSERT_TRUE(files.make_directory("/tmp/made"));
  ASSERT_TRUE(files.copy_in(path("f"), "/tmp/kept", {.archive = true}));
  for (const auto* name : {"/tmp/copied", "/tmp/written", "/tmp/made"})
    EXPECT_EQ(files.stat(name)->uid, 1000u) << name;
  EXPECT_EQ(files.stat("/tmp/kept")->uid, ::geteuid());
  EXPECT_EQ(files.stat("/tmp/written")->mode, 0600u);
}

TEST_F(FilesTest, TheFileSystemCanBeUsed) {
  auto runtime = open();
  auto box = create(runtime);
  auto files = box.files();
  const auto large = random_bytes(3u << 20);
  ASSERT_TRUE(files.write("/tmp/large", bytes_of(large)));
  EXPECT_TRUE(text_of(*files.read("/tmp/large")) == large);
  EXPECT_TRUE(text_of(*files.read("/tmp/large", {.offset = 1000, .length = 200'000})) ==
              large.substr(1000, 200'000));
  ASSERT_TRUE(files.write("/tmp/f", bytes_of("one")));
  ASSERT_TRUE(files.write("/tmp/f", bytes_of("+two"), {.append = true}));
  EXPECT_EQ(text_of(*files.read("/tmp/f")), "one+two");
  ASSERT_TRUE(files.write("/tmp/f", bytes_of("ONE"), {.truncate = false}));
  EXPECT_EQ(text_of(*files.read("/tmp/f")), "ONE+two");
  EXPECT_EQ(files.write("/tmp/f", {}, {.exclusive = true}).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(files.write("/tmp/g", {}, {.create = false}).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files.read("/dev/zero").error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(text_of(*files.read("/proc/version")), HasSubstr("Linux"));

  ASSERT_TRUE(files.make_directory("/tmp/d/e", {.parents = true}));
  EXPECT_EQ(files.make_directory("/tmp/d").error().code(), ErrorCode::already_exists);
  ASSERT_TRUE(files.rename("/tmp/f", "/tmp/d/f"));
  EXPECT_FALSE(files.rename("/tmp/large", "/tmp/d/f", {.overwrite = false}));
  const auto list = files.list("/tmp/d");
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->size(), 2u);
  EXPECT_FALSE(files.remove("/tmp/d"));
  ASSERT_TRUE(files.remove("/tmp/d", {.recursive = true}));
  EXPECT_EQ(files.stat("/tmp/d").error().code(), ErrorCode::not_found);
  EXPECT_EQ(files.stat(std::string("/tmp/\0x", 7)).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(files.stat("/proc/self/exe", {.follow_symlinks = false})->kind, FileKind::symlink);
}

TEST_F(FilesTest, AWatchTellsWhatChanges) {
  auto runtime = open();
  auto box = create(runtime);
  auto files = box.files();
  ASSERT_TRUE(files.make_directory("/srv/w/sub", {.parents = true}));
  auto watch = files.watch("/srv/w", {.recursive = true});
  ASSERT_TRUE(watch) << watch.error().message();
  std::string story;
  // False: the watch has ended.
  const auto hear_more = [&] {
    const auto events = watch->next(CallOptions::within(20s));
    EXPECT_TRUE(events) << events.error().message() << "\n" << story;
    if (!events) return false;
    for (const auto& event : *events)
      story += std::to_string(static_cast<int>(event.kind)) + event.path + "\n";
    return !events->empty();
  };
  const auto make = "echo x > /srv/w/sub/f; mkdir /srv/w/new; echo y > /srv/w/new/g";
  ASSERT_TRUE(run_in(box, {"sh", "-c", make}).status.is_success());
  // A directory that goes before it was looked into has no story.
  while (story.find("0new/g\n") == std::string::npos) ASSERT_TRUE(hear_more()) << story;
  const auto remove = "mv /srv/w/sub/f /srv/w/h; rm -r /srv/w";
  ASSERT_TRUE(run_in(box, {"sh", "-c", remove}).status.is_success());
  while (hear_more()) continue;
  for (const auto* expected :
       {"0sub/f\n", "1sub/f\n", "0new\n", "0new/g\n", "3sub/f\n", "4h\n", "2h\n", "2\n"})
    EXPECT_THAT(story, HasSubstr(expected));
  EXPECT_EQ(files.watch("/none").error().code(), ErrorCode::not_found);
}

TEST_F(FilesTest, ABoxThatIsShutDownLeavesNoCopyHanging) {
  auto runtime = open();
  auto box = create(runtime);
  auto watch = box.files().watch("/tmp");
  ASSERT_TRUE(watch) << watch.error().message();
  std::jthread stopper([&] { EXPECT_TRUE(box.stop()); });
  const auto events = watch->next(CallOptions::within(20s));
  EXPECT_FALSE(events);
}

// In a folder that a box may write, a symlink may be the box's.
TEST_F(FilesTest, CopiesFollowNoSymlinkThatABoxMayHaveMade) {
  auto runtime = open();
  fs::create_directories(path("w/out"));
  fs::create_directories(path("private"));
  put("private/key", "secret");
  fs::create_directory_symlink(path("w"), path("way"));
  auto box = create(runtime, {.mounts = {{.source = path("w").native(), .target = "/w"}}});
  auto files = box.files();
  ASSERT_EQ(run_in(box, {"sh", "-c",
                         concat("echo made >/made; ln -s ", path("private").native(), " /w/results; ln -s ",
                                path("private/key").native(), " /w/file")})
                .status.exit_code,
            0);
  for (const char* name :
       {"w/results", "w/results/", "w/results/x", "w/results/.", "way/results", "w/file"}) {
    const auto out = files.copy_out("/made", path(name));
    ASSERT_FALSE(out) << name;
    EXPECT_EQ(out.error().code(), ErrorCode::invalid_argument) << out.error().message();
  }
  EXPECT_EQ(files.copy_out("/made", path("w/new/../results")).error().code(), ErrorCode::invalid_state)
      << "found out when it is opened";
  for (const char* name : {"w/results/key", "w/results/", "way/results/."})
    EXPECT_FALSE(files.copy_in(path(name), "/stolen")) << name;
  EXPECT_FALSE(files.copy_in(path("w/file"), "/stolen", {.follow_symlinks = true}));
  EXPECT_EQ(get("private/key"), "secret");
  EXPECT_EQ(std::distance(fs::directory_iterator(path("private")), {}), 1);
  // All else is as everywhere.
  for (const char* name : {"w/out", "w/out/", "w/out/.", "way/out", "w/copy", "w/deep/er/copy", "private"})
    EXPECT_TRUE(files.copy_out("/made", path(name), {.recursive = true})) << name;
  EXPECT_EQ(get("w/out/made") + get("w/copy") + get("w/deep/er/copy") + get("private/made"),
            "made\nmade\nmade\nmade\n");
  EXPECT_TRUE(files.copy_in(path("w"), "/all")) << "symlinks are copied as such";
  EXPECT_EQ(run_in(box, {"sh", "-c", "cat /all/copy; readlink /all/results"}).out,
            concat("made\n", path("private").native(), "\n"));
}

}  // namespace
}  // namespace boxlite::test
