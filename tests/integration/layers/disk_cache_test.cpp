// SPDX-License-Identifier: Apache-2.0
#include "disk/disk_cache.h"

#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "disk/disk_damage.h"
#include "oci/chain_id.h"
#include "qcow2/header.h"
#include "qcow2/overlay.h"
#include "tar/test_tar.h"
#include "test_image.h"

namespace boxlite::tests {
namespace {

using disk::DiskCache;
using tar::testing::TestTar;
using ::testing::HasSubstr;

std::string some_tar(std::size_t megabytes) {
  TestTar tar;
  for (std::size_t i = 0; i < megabytes; ++i)
    tar.file(concat("f", i), std::string(1 << 20, static_cast<char>('a' + i % 26)));
  return tar.finish();
}

oci::Digest chain_id_of(const TestImage& image) {
  std::vector<oci::Digest> diff_ids;
  for (const auto& layer : image.layers()) diff_ids.push_back(layer.diff_id);
  return oci::chain_id(diff_ids);
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().extension());
  std::ranges::sort(names);
  return names;
}

// Runs `body` in a child process and gives its exit code; a signal counts as 255.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

disk::ImageDiskOptions options_of(std::uint64_t megabytes) {
  disk::ImageDiskOptions options;
  options.size_bytes = megabytes << 20;
  return options;
}

TEST(DiskCache, builds_once_then_finds_lists_and_removes) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(2)});
  const auto cache = DiskCache::open(scratch / "disks");
  ASSERT_TRUE(cache);
  const oci::Digest id = chain_id_of(image);
  EXPECT_FALSE(cache->lookup(id)->has_value());
  int told = 0;
  auto options = options_of(256);
  options.progress = [&](const disk::BuildProgress&) { ++told; };
  const auto built = cache->build(image.layers(), options);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(built->chain_id, id);
  EXPECT_EQ(built->size_bytes, 256u << 20);
  EXPECT_GT(built->allocated_bytes, 2u << 20);
  EXPECT_GT(told, 0);
  told = 0;
  EXPECT_EQ(cache->build(image.layers(), options)->path, built->path);
  EXPECT_EQ(told, 0);
  ASSERT_EQ(cache->list()->size(), 1u);
  EXPECT_TRUE(cache->lookup(id)->has_value());
  EXPECT_TRUE(*cache->remove(*built));
  EXPECT_FALSE(*cache->remove(*built));
  EXPECT_TRUE(cache->list()->empty());
}

TEST(DiskCache, a_disk_of_an_older_writer_is_known_and_not_used) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(1)});
  const auto cache = DiskCache::open(scratch / "disks");
  const auto built = cache->build(image.layers(), options_of(256));
  ASSERT_TRUE(built) << built.error().message();
  const auto old_path = scratch / concat("disks/", built->chain_id.hex(), ".ext4");
  std::filesystem::rename(built->path, old_path);

  EXPECT_FALSE(cache->lookup(built->chain_id)->has_value());
  const auto listed = cache->list();
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().writer_version, 1u);
  EXPECT_EQ(cache->build(image.layers(), options_of(256))->path, built->path);
  ASSERT_EQ(cache->list()->size(), 2u);
  EXPECT_TRUE(*cache->remove(listed->front()));
  EXPECT_FALSE(std::filesystem::exists(old_path));
  EXPECT_TRUE(std::filesystem::exists(built->path));
}

TEST(DiskCache, files_that_an_old_writer_lost_are_counted) {
  const Scratch scratch;
  TestTar tar;
  for (int i = 0; i < 40; ++i) tar.file(concat("f", i), "x");
  const TestImage image(scratch / "oci", {tar.finish()});
  const auto disk = scratch / "disk";
  ASSERT_TRUE(disk::build_image_disk(image.layers(), disk, options_of(256)));
  EXPECT_EQ(*disk::count_lost_files(disk), 0u);
  for (const char* number : {"20", "21", "49"})
    run(concat("debugfs -w -R 'clri <", number, ">' '", disk.native(), "'"), scratch / "debugfs.log");
  EXPECT_EQ(*disk::count_lost_files(disk), 3u) << text_of(scratch / "debugfs.log");
  std::filesystem::remove(disk);
}

TEST(DiskCache, two_processes_that_want_the_same_disk_build_it_once) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(20)});
  // Each child marks that it was the one that built by a file of its own.
  const auto build = [&](const std::string& mark) {
    const auto cache = DiskCache::open(scratch / "disks");
    auto options = options_of(256);
    options.progress = [&](const disk::BuildProgress& progress) {
      if (progress.stage == disk::BuildStage::sync) std::ofstream(scratch / mark) << "built";
    };
    return cache && cache->build(image.layers(), options) ? 0 : 1;
  };
  // Forked while this process has one thread: a fork beside others may inherit a locked allocator.
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(build(concat("mark-", i)));
    ASSERT_GT(children.back(), 0);
  }
  int builders = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    int status = 0;
    EXPECT_EQ(::waitpid(children[i], &status, 0), children[i]);
    EXPECT_EQ(status, 0);
    builders += std::filesystem::exists(scratch / concat("mark-", i)) ? 1 : 0;
  }
  EXPECT_EQ(builders, 1);
  EXPECT_EQ(names_in(scratch / "disks"), (std::vector<std::string>{".ext4", ".lock"}));
}

TEST(DiskCache, what_a_killed_builder_left_is_swept_or_replaced) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(30)});
  const auto cache = DiskCache::open(scratch / "disks");
  const auto die_while_building = [&] {
    return in_child([&] {
      auto options = options_of(256);
      options.progress = [&](const disk::BuildProgress&) { ::kill(::getpid(), SIGKILL); };
      return cache->build(image.layers(), options) ? 0 : 1;
    });
  };
  EXPECT_EQ(die_while_building(), 255);
  EXPECT_EQ(names_in(scratch / "disks"), (std::vector<std::string>{".building", ".lock"}));
  EXPECT_TRUE(cache->sweep());
  EXPECT_EQ(names_in(scratch / "disks"), (std::vector<std::string>{".lock"}));
  EXPECT_EQ(die_while_building(), 255);
  EXPECT_TRUE(cache->build(image.layers(), options_of(256)));
  EXPECT_EQ(names_in(scratch / "disks"), (std::vector<std::string>{".ext4", ".lock"}));
}

TEST(DiskCache, a_sweep_spares_what_is_being_built) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(5)});
  const auto cache = DiskCache::open(scratch / "disks");
  auto options = options_of(256);
  options.progress = [&](const disk::BuildProgress&) { EXPECT_TRUE(cache->sweep()); };
  EXPECT_TRUE(cache->build(image.layers(), options));
}

TEST(DiskCache, a_build_can_be_cancelled) {
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(5)});
  const auto cache = DiskCache::open(scratch / "disks");
  std::stop_source stop;
  auto options = options_of(256);
  options.stop = stop.get_token();
  stop.request_stop();
  const auto built = cache->build(image.layers(), options);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code(), ErrorCode::cancelled);
  EXPECT_EQ(names_in(scratch / "disks"), (std::vector<std::string>{".lock"}));
}

// A file system of `megabytes` that only this process sees.
bool mount_small_tmpfs(const std::filesystem::path& where, int megabytes) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("none", where.c_str(), "tmpfs", 0, concat("size=", megabytes, "m").c_str()) == 0;
}

TEST(DiskCache, a_full_host_disk_is_a_clear_error_at_every_stage) {
  constexpr int no_mounts = 77;
  const Scratch scratch;
  const TestImage image(scratch / "oci", {some_tar(20)});
  std::filesystem::create_directory(scratch / "small");
  bool was_built = false;
  for (const int megabytes : {1, 2, 8, 19, 20, 21, 22, 23, 24, 30}) {
    const int outcome = in_child([&] {
      if (!mount_small_tmpfs(scratch / "small", megabytes)) return no_mounts;
      const auto cache = DiskCache::open(scratch / "small/disks");
      const auto built = cache->build(image.layers(), options_of(1024));
      if (built) return 0;
      const bool is_clear =
          built.error().code() == ErrorCode::resource_exhausted && !built.error().remedy().empty();
      if (!is_clear) std::fprintf(stderr, "%s\n", built.error().message().c_str());
      return is_clear && names_in(scratch / "small/disks") == std::vector<std::string>{".lock"} ? 1 : 2;
    });
    if (outcome == no_mounts) GTEST_SKIP() << "no right to mount a small file system";
    EXPECT_EQ(outcome, was_built || outcome == 0 ? 0 : 1) << megabytes;
    was_built = outcome == 0;
  }
  EXPECT_TRUE(was_built);
}

TEST(Overlay, is_what_qemu_img_expects) {
  const Scratch scratch;
  std::ofstream(scratch / "base.ext4").close();
  std::filesystem::resize_file(scratch / "base.ext4", 1 << 30);
  for (const std::uint64_t size :
       {std::uint64_t{1} << 30, std::uint64_t{20} << 30, std::uint64_t{16} << 40}) {
    const std::string name = concat("overlay-", size);
    ASSERT_TRUE(qcow2::create_overlay(scratch / name, {"base.ext4", "raw"}, size));
    EXPECT_EQ(run(concat("qemu-img check '", (scratch / name).native(), "'"), scratch / "check"), 0)
        << text_of(scratch / "check");
    EXPECT_EQ(run(concat("qemu-img info --output=json '", (scratch / name).native(), "'"),
                  scratch / name += ".info"),
              0);
    const std::string shown = text_of(scratch / (name + ".info"));
    EXPECT_THAT(shown, HasSubstr(concat("\"virtual-size\": ", size)));
    EXPECT_THAT(shown, HasSubstr("\"backing-filename-format\": \"raw\""));
    EXPECT_THAT(shown, HasSubstr("\"backing-filename\": \"base.ext4\""));
  }
}

TEST(Overlay, takes_writes_over_its_base_and_over_another_overlay) {
  const Scratch scratch;
  std::ofstream(scratch / "base") << std::string(1 << 20, 'b');
  ASSERT_TRUE(qcow2::create_overlay(scratch / "one", {scratch / "base", "raw"}, 2 << 20));
  ASSERT_TRUE(qcow2::create_overlay(scratch / "two", {"one", "qcow2"}, 4 << 20));
  EXPECT_EQ(run(concat("qemu-io -f qcow2 -c 'write -P 0x77 65536 4096' -c 'read -P 0x62 0 65536' -c 'read -P "
                       "0x77 65536 4096' "
                       "-c 'read -P 0 3145728 4096' '",
                       (scratch / "two").native(), "'"),
                scratch / "io"),
            0)
      << text_of(scratch / "io");
  EXPECT_EQ(run(concat("qemu-img check '", (scratch / "two").native(), "'"), scratch / "check"), 0);
  const auto header = qcow2::read_header(scratch / "two");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->backing_file, "one");
}

TEST(Overlay, smaller_than_its_base_is_refused) {
  const Scratch scratch;
  std::ofstream(scratch / "base") << std::string(1 << 20, 'b');
  const auto made = qcow2::create_overlay(scratch / "o", {"base", "raw"}, 1 << 19);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(made.error().remedy().empty());
  EXPECT_FALSE(std::filesystem::exists(scratch / "o"));
}

}  // namespace
}  // namespace boxlite::tests
