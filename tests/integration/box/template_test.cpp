// SPDX-License-Identifier: Apache-2.0
// Boxes that go on from saved machines: as separate as if each had booted, whatever becomes of the templates.
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "freeze/process_image.h"
#include "integration/box/box_fixture.h"
#include "jail/bpf.h"
#include "snapshot/template_manifest.h"
#include "snapshot/template_shelf.h"

namespace boxlite::test {
namespace {

using testing::Contains;
using testing::Field;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class TemplateTest : public BoxTest {
 protected:
  std::vector<snapshot::TemplateEntry> templates() const {
    auto listed = snapshot::TemplateShelf(home()).list();
    return listed ? *std::move(listed) : std::vector<snapshot::TemplateEntry>();
  }

  // The digests of all templates' files.
  std::set<std::string> digests() const {
    std::set<std::string> all;
    for (const auto& entry : templates()) {
      for (const auto* name : {"memory", "state", "pages", "disk"}) {
        const auto digest = snapshot::digest_of_data(home() / "machines" / entry.shape / name);
        if (digest) all.insert(entry.shape + " " + name + " " + *digest);
      }
    }
    return all;
  }

  std::filesystem::path frozen_image() const {
    const auto listed = templates();
    const auto frozen = std::ranges::find(listed, true, &snapshot::TemplateEntry::is_warm);
    return home() / "machines" / (frozen == listed.end() ? "none" : frozen->shape) / "state";
  }

  // Another state, as if its maker had signed it.
  static void sign(const std::filesystem::path& place, std::string_view state) {
    ASSERT_TRUE(write_file_atomic(place / "state", state));
    auto manifest = *snapshot::parse_template_manifest(*read_file(place / "manifest.json"));
    manifest.state_digest = *snapshot::digest_of_data(place / "state");
    ASSERT_TRUE(write_file_atomic(place / "manifest.json", snapshot::to_json(manifest)));
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
  EXPECT_THAT(made, SizeIs(6)) << "memory and state of two, and the frozen one's pages and disk";
  ASSERT_TRUE(second.start());
  EXPECT_THAT(first.info()->start_stages, has_stage("restore"));
  EXPECT_THAT(second.info()->start_stages, has_stage("restore"));

  // Who they are.
  for (const auto* own :
       {"cat /proc/sys/kernel/random/boot_id", "cat /proc/sys/kernel/random/uuid", "hostname",
        "cat /etc/hostname", "cat /etc/hosts", "head -c 16 /dev/urandom | od -x",
        "head -c 16 /dev/random | od -x", "echo $HOSTNAME",
        // The generator of the machine, as an image's own rngd reads it.
        "mknod /root/hwrng c 10 183 && head -c 64 /root/hwrng | od -x"}) {
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
    for (const auto* name : {"memory", "state", "pages", "disk", "manifest.json"}) {
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
  for (const auto& entry : templates()) sign(home() / "machines" / entry.shape, "no machine's state");
  // The frozen one is seen to be none; that of the shape fails first who would make another from it, then the
  // box.
  expect_start(runtime, "boot");
  EXPECT_THAT(templates(), IsEmpty());
}

// As after an update of a library that QEMU uses: the image holds, but not for what is there.
TEST_F(TemplateTest, AFrozenMachineOfOtherLibrariesIsMadeAnew) {
  auto runtime = open();
  expect_start(runtime, "restore");
  auto other = *read_file(frozen_image());
  other.replace(other.find("libc.so.6"), 9, "libm.so.6");
  sign(frozen_image().parent_path(), other);
  expect_start(runtime, "restore");
  EXPECT_THAT(*read_file(frozen_image()), testing::HasSubstr("libc.so.6"));
  EXPECT_THAT(templates(), SizeIs(2));
}

TEST_F(TemplateTest, WhatTheGuestRefusesIsNoFaultOfTheMachine) {
  auto runtime = open();
  expect_start(runtime, "restore");
  auto box = create(runtime, {.command = {"true"}, .user = "nobody-of-that-name"});
  EXPECT_FALSE(box.start());
  EXPECT_TRUE(templates().front().is_warm);
  EXPECT_THAT(templates(), SizeIs(2));
}

// Neither what the box's directory nor what a limit of this process does not give.
TEST_F(TemplateTest, WhatAStartLacksIsNoFaultOfTheMachine) {
  {
    auto runtime = open();
    expect_start(runtime, "restore");
    auto box = create(runtime, {.name = "no-log"});
    std::filesystem::create_directories(home() / "boxes" / box.id() / "console.log");
    const auto started = box.start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message(), testing::HasSubstr("console.log"));
    EXPECT_THAT(templates(), SizeIs(2));
    EXPECT_TRUE(runtime.remove(box.id(), {.force = true}));
  }
  const auto start_within = [&](__rlimit_resource resource, rlim_t most,
                                const std::function<int(Box&)>& look) {
    const auto child = fork_process([&] {
      const rlimit limit{most, most};
      ::setrlimit(resource, &limit);
      auto runtime = Runtime::open(options());
      auto box = runtime->create({});
      const auto looked = box ? look(*box) : 100;
      return runtime->remove(box->id(), {.force = true}) ? looked : 101;
    });
    const auto code = wait_for(child);
    EXPECT_THAT(templates(), SizeIs(2));
    EXPECT_TRUE(templates().front().is_warm);
    return code;
  };
  // QEMU's descriptors lie lower than those of one that is thawed.
  EXPECT_EQ(start_within(RLIMIT_NOFILE, 200, [](Box& box) { return box.start() ? 0 : 1; }), 0);
  EXPECT_EQ(
      start_within(RLIMIT_AS, rlim_t{900'000} << 10,
                   [](Box& box) {
                     const auto started = box.start();
                     return !started && started.error().message().find("emory") != std::string::npos ? 0 : 1;
                   }),
      0);
  auto runtime = open();
  expect_start(runtime, "restore");
}

// Its root has the whole disk, and the template is not to blame.
TEST_F(TemplateTest, ABoxThatSpoilsItsDiskCostsNobodyElseTheTemplate) {
  auto runtime = open();
  auto box = create(runtime, {.privileged = true});
  ASSERT_TRUE(box.start());
  ASSERT_THAT(templates(), SizeIs(2));
  const auto spoiled = run_in(box, {"sh", "-c",
                                    "number=$(cat /sys/class/block/vda/dev); "
                                    "mknod /tmp/vda b ${number%:*} ${number#*:}; "
                                    "dd if=/dev/zero of=/tmp/vda bs=1M count=64 conv=fsync"});
  ASSERT_EQ(spoiled.status.exit_code, 0) << spoiled.err;
  ASSERT_TRUE(box.stop());
  EXPECT_FALSE(box.start());
  EXPECT_THAT(templates(), SizeIs(2));
}

TEST_F(TemplateTest, AHomeBehindALinkFreezesAsWell) {
  const auto link = directory() / "link";
  ASSERT_TRUE(make_directories(home()));
  std::filesystem::create_directory_symlink(home(), link);
  auto linked = options();
  linked.home = link;
  auto runtime = Runtime::open(linked);
  ASSERT_TRUE(runtime);
  expect_start(*runtime, "restore");
  EXPECT_TRUE(templates().front().is_warm);
}

// As on a host whose rules forbid it, for this process and all that it starts.
void forbid_tracing() {
  auto filter = jail::begin_filter();
  jail::when(filter, __NR_ptrace, {jail::answer(jail::refuse(EPERM))});
  filter.push_back(jail::answer(jail::allow));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST_F(TemplateTest, WhereNothingCanBeFrozenMachinesAreToldToSaveThemselves) {
  const auto child = fork_process([&] {
    forbid_tracing();
    auto runtime = Runtime::open(options());
    for (int i = 0; i < 2; ++i) expect_start(*runtime, "restore");
    return HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(wait_for(child), 0);
  ASSERT_THAT(templates(), SizeIs(2));
  EXPECT_FALSE(templates().front().is_warm);
  std::string why;
  for (const auto& entry : std::filesystem::directory_iterator(home() / "machines"))
    if (entry.path().stem() == "no-freezing") why += *read_file(entry.path());
  EXPECT_THAT(why, testing::HasSubstr("ptrace"));
}

TEST_F(TemplateTest, AFrozenMachineThatCannotBeThawedIsNotMadeAgain) {
  auto runtime = open();
  expect_start(runtime, "restore");
  auto image = *read_file(frozen_image());
  reinterpret_cast<freeze::ImageHeader*>(image.data())->special_count -= 1;
  sign(frozen_image().parent_path(), image);
  expect_start(runtime, "boot");
  // Machines that were told to save themselves do as well.
  expect_start(runtime, "restore");
  EXPECT_FALSE(templates().front().is_warm);
  ASSERT_TRUE(runtime.prune_saved_machines({}));
  expect_start(runtime, "restore");
  EXPECT_TRUE(templates().front().is_warm);
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

TEST_F(TemplateTest, AMakerMayBeKilledWhileItFreezes) {
  const auto is_freezing = [this] {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(home() / "machines", ignored))
      if (entry.path().extension() == ".new" && std::filesystem::exists(entry.path() / "pages")) return true;
    return false;
  };
  const auto child = fork_process([this] {
    auto runtime = Runtime::open(options());
    auto box = runtime->create({});
    return box->start() ? 0 : 1;
  });
  EXPECT_TRUE(comes_true(is_freezing));
  ::kill(child, SIGKILL);
  wait_for(child);
  auto runtime = open();
  expect_start(runtime, "restore");
  EXPECT_TRUE(templates().front().is_warm);
  EXPECT_FALSE(is_freezing());
}

}  // namespace
}  // namespace boxlite::test
