// SPDX-License-Identifier: Apache-2.0
// Boxes that go on from saved machines: as separate as if each had booted, whatever becomes of the templates.
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "integration/box/box_fixture.h"
#include "vmm/template_manifest.h"
#include "vmm/template_shelf.h"

namespace boxlite::test {
namespace {

using testing::Contains;
using testing::Field;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class TemplateTest : public BoxTest {
 protected:
  std::vector<vmm::TemplateEntry> templates() const {
    auto listed = vmm::TemplateShelf(home()).list();
    return listed ? *std::move(listed) : std::vector<vmm::TemplateEntry>();
  }

  // The digests of all templates' files.
  std::set<std::string> digests() const {
    std::set<std::string> all;
    for (const auto& entry : templates()) {
      for (const auto* name : {"memory", "state", "disk"}) {
        const auto digest = vmm::digest_of_data(home() / "machines" / entry.shape / name);
        if (digest) all.insert(entry.shape + " " + name + " " + *digest);
      }
    }
    return all;
  }

  static auto has_stage(const char* name) { return Contains(Field(&StartStage::name, name)); }

  // Starts a new box, looks whether it was restored or booted, and takes it away.
  static void expect_start(Runtime& runtime, const char* stage, BoxSpec spec = {}) {
    auto box = create(runtime, std::move(spec));
    const auto started = box.start();
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_THAT(box.info()->start_stages, has_stage(stage));
    EXPECT_EQ(run_in(box, {"sh", "-c", "echo hi"}).out, "hi\n");
    EXPECT_TRUE(runtime.remove(box.id(), {.force = true}));
  }
};

TEST_F(TemplateTest, BoxesOfOneTemplateShareNothing) {
  auto runtime = open();
  auto first = create(runtime);
  auto second = create(runtime);
  ASSERT_TRUE(first.start());
  const auto made = digests();
  EXPECT_THAT(made, SizeIs(5)) << "memory and state of two, and a disk";
  ASSERT_TRUE(second.start());
  EXPECT_THAT(first.info()->start_stages, has_stage("restore"));
  EXPECT_THAT(second.info()->start_stages, has_stage("restore"));

  // Who they are.
  for (const auto* own :
       {"cat /proc/sys/kernel/random/boot_id", "cat /proc/sys/kernel/random/uuid", "hostname",
        "cat /etc/hostname", "cat /etc/hosts", "head -c 16 /dev/urandom | od -x",
        "head -c 16 /dev/random | od -x", "echo $HOSTNAME"}) {
    const auto one = run_in(first, {"sh", "-c", own}).out;
    EXPECT_THAT(one, Not(IsEmpty())) << own;
    EXPECT_NE(one, run_in(second, {"sh", "-c", own}).out) << own;
  }
  const auto clock = std::stol(run_in(second, {"date", "+%s"}).out);
  EXPECT_NEAR(static_cast<double>(clock), static_cast<double>(::time(nullptr)), 2.0);

  // What they write.
  run_in(first, {"sh", "-c", "echo first > /mine; echo x >> /etc/passwd; sync"});
  EXPECT_EQ(run_in(second, {"sh", "-c", "cat /mine /etc/passwd | grep -c -e first -e '^x$'"}).out, "0\n");
  run_in(second, {"sh", "-c", "echo second > /mine; sync"});
  auto third = create(runtime);
  EXPECT_NE(run_in(third, {"cat", "/mine"}).status.exit_code, 0);
  EXPECT_EQ(run_in(first, {"cat", "/mine"}).out, "first\n");

  // Their own disks outlive the machines.
  ASSERT_TRUE(first.stop());
  ASSERT_TRUE(first.start());
  EXPECT_THAT(first.info()->start_stages, has_stage("restore"));
  EXPECT_EQ(run_in(first, {"cat", "/mine"}).out, "first\n");
  EXPECT_EQ(run_in(second, {"cat", "/mine"}).out, "second\n");

  // Much of the guest's memory is written to, given back (balloon: free page reporting) and written again.
  run_in(second, {"sh", "-c", "head -c 200m /dev/zero > /dev/shm/big; rm /dev/shm/big; sync; sleep 1"});
  EXPECT_EQ(digests(), made) << "nobody has changed a template";
  for (auto* box : {&first, &second, &third}) EXPECT_TRUE(box->stop({.grace = std::chrono::milliseconds(0)}));
}

TEST_F(TemplateTest, AColdStartBoots) {
  auto runtime = open();
  expect_start(runtime, "boot", {.cold_start = true});
  EXPECT_THAT(templates(), IsEmpty());
}

TEST_F(TemplateTest, DamagedTemplatesAreMadeAnew) {
  auto runtime = open();
  expect_start(runtime, "restore");
  const auto flip_a_bit = [](const std::filesystem::path& file) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(4096);
    const auto byte = bytes.get();
    bytes.seekp(4096);
    bytes.put(static_cast<char>(byte ^ 1));
  };
  const auto cut = [](const std::filesystem::path& file) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  };
  const auto remove = [](const std::filesystem::path& file) { std::filesystem::remove(file); };
  const auto empty = [](const std::filesystem::path& file) { std::ofstream(file, std::ios::trunc).flush(); };
  const std::function<void(const std::filesystem::path&)> damages[] = {flip_a_bit, cut, remove, empty};
  for (const auto& damage : damages) {
    for (const auto* name : {"memory", "state", "disk", "manifest.json"}) {
      for (const auto& entry : templates()) {
        const auto file = home() / "machines" / entry.shape / name;
        if (std::filesystem::exists(file) && std::filesystem::file_size(file) > 4096) damage(file);
        if (std::filesystem::exists(file) && std::string_view(name) == "manifest.json") damage(file);
      }
      expect_start(runtime, "restore");
    }
  }
}

TEST_F(TemplateTest, ATemplateThatDoesNotAnswerIsReplacedByABoot) {
  auto runtime = open();
  expect_start(runtime, "restore");
  // Sound as files, and no machine: its maker has signed them.
  for (const auto& entry : templates()) {
    const auto place = home() / "machines" / entry.shape;
    std::ofstream(place / "state", std::ios::trunc) << "no machine's state";
    vmm::TemplateManifest manifest{.memory_digest = *vmm::digest_of_data(place / "memory"),
                                   .state_digest = *vmm::digest_of_data(place / "state")};
    if (const auto disk = vmm::digest_of_data(place / "disk")) manifest.disk_digest = *disk;
    ASSERT_TRUE(write_file_atomic(place / "manifest.json", vmm::to_json(manifest)));
  }
  expect_start(runtime, "boot");
  EXPECT_THAT(templates(), SizeIs(1)) << "the broken one of the image is gone";
}

TEST_F(TemplateTest, RunningBoxesNeedNoTemplate) {
  auto runtime = open();
  auto box = create(runtime, {.restart = {.mode = RestartMode::always}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(remove_tree(home() / "machines"));
  EXPECT_EQ(run_in(box, {"sh", "-c", "find / -xdev | sort | sha256sum | wc -l"}).out, "1\n");
  // The next machine of the box boots: the disk is no longer the one that the template remembers.
  run_in(box, {"sh", "-c", "echo kept > /f; sync"});
  const auto before = box.info()->restart_count;
  run_in(box, {"sh", "-c", "kill -9 $(pidof sleep) || true"});
  ::kill(*box.info()->vmm_pid, SIGKILL);
  ASSERT_TRUE(comes_true(
      [&] { return box.info()->restart_count > before && box.info()->status == BoxStatus::running; }));
  EXPECT_EQ(run_in(box, {"cat", "/f"}).out, "kept\n");
  EXPECT_TRUE(box.stop({.grace = std::chrono::milliseconds(0)}));
}

TEST_F(TemplateTest, ManyFirstStartsAtOnceMakeOneTemplate) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork_process([this] {
      auto runtime = Runtime::open(options());
      auto box = runtime->create({});
      if (!box || !box->start()) return 1;
      auto ran = box->exec({.command = {"true"}});
      if (!ran || ran->wait()->exit_code != 0) return 2;
      return box->stop({.grace = std::chrono::milliseconds(0)}) ? 0 : 3;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_for(child), 0);
  EXPECT_THAT(templates(), SizeIs(2));
  for (const auto& entry : std::filesystem::directory_iterator(home() / "machines"))
    EXPECT_NE(entry.path().extension(), ".new") << entry.path();
}

TEST_F(TemplateTest, AMakerMayBeKilledAtAnyTime) {
  for (const auto after : {std::chrono::milliseconds(100), std::chrono::milliseconds(700)}) {
    const auto child = fork_process([this] {
      auto runtime = Runtime::open(options());
      auto box = runtime->create({});
      return box->start() ? 0 : 1;
    });
    // The random moment is the point.
    std::this_thread::sleep_for(after);
    ::kill(child, SIGKILL);
    wait_for(child);
    auto runtime = open();
    expect_start(runtime, "restore");
    ASSERT_TRUE(remove_tree(home() / "machines"));
  }
}

}  // namespace
}  // namespace boxlite::test
