// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <csignal>
#include <filesystem>
#include <optional>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class FolderTest : public BoxTest {
 protected:
  std::filesystem::path folder(const std::string& name) const {
    const auto path = directory() / name;
    EXPECT_TRUE(make_directories(path, 0755));
    return path;
  }
  static pid_t child_named(pid_t parent, std::string_view name) {
    const auto children = read_file(concat("/proc/", parent, "/task/", parent, "/children")).value_or("");
    std::istringstream pids(children);
    for (pid_t pid = 0; pids >> pid;) {
      const auto command = read_file(concat("/proc/", pid, "/cmdline")).value_or("");
      if (command.find(name) != std::string::npos) return pid;
    }
    return -1;
  }
  static std::string shell(Box& box, const std::string& script) {
    const auto ran = run_in(box, {"sh", "-c", script});
    return ran.out + ran.err;
  }
};

TEST_F(FolderTest, ShowsFoldersAndFilesBothWays) {
  const auto shared = folder("shared");
  const auto single = directory() / "single";
  ASSERT_TRUE(write_file_atomic(shared / "from-host", "1\n", 0644));
  ASSERT_TRUE(write_file_atomic(single, "single\n", 0644));
  ASSERT_EQ(::symlink("/etc/hostname", (shared / "out").c_str()), 0);
  auto runtime = open();
  BoxSpec spec{.mounts = {{.source = shared.native(), .target = "/mnt/a"},
                          {.source = single.native(), .target = "/mnt/one"},
                          {.source = shared.native(), .target = "/mnt/a/inner/ro", .read_only = true},
                          {.type = MountType::tmpfs, .target = "/scratch", .tmpfs_bytes = 1u << 20}}};
  spec.hostname = "inside";
  auto box = create(runtime, spec);
  EXPECT_EQ(shell(box, "cat /mnt/a/from-host /mnt/one; echo 2 >/mnt/a/from-box; echo more >>/mnt/one"),
            "1\nsingle\n");
  EXPECT_EQ(read_file(shared / "from-box").value(), "2\n");
  EXPECT_EQ(read_file(single).value(), "single\nmore\n");
  struct stat status = {};
  ASSERT_EQ(::stat((shared / "from-box").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::getuid()) << "what the box's root writes is ours";
  EXPECT_EQ(shell(box, "stat -c %u /mnt/a/from-host"), "0\n") << "what is ours is the box's root's";
  // What the host changes is seen at once, names and content.
  ASSERT_TRUE(write_file_atomic(shared / "from-host", "changed\n", 0644));
  ASSERT_TRUE(write_file_atomic(shared / "later", "later\n", 0644));
  EXPECT_EQ(shell(box, "cat /mnt/a/from-host /mnt/a/later"), "changed\nlater\n");
  EXPECT_EQ(shell(box, "cat /mnt/a/out"), "inside\n") << "a symlink is the box's to follow";
  // Odd names.
  EXPECT_EQ(shell(box, "cd /mnt/a && touch 'ä\n-x' \"$(printf '\\377')\" && ls | wc -l"), "7\n");
  EXPECT_TRUE(std::filesystem::exists(shared / "ä\n-x"));
  EXPECT_TRUE(std::filesystem::exists(shared / "\xff"));
  // Read-only, on the host's side too: the guest's mount flag is not what stops it.
  EXPECT_THAT(shell(box, "touch /mnt/a/inner/ro/x"), HasSubstr("Read-only"));
  EXPECT_THAT(shell(box, "head -c 2000000 /dev/zero >/scratch/x || stat -c %s /scratch/x"),
              HasSubstr("1048576\n"));
}

TEST_F(FolderTest, WithoutOneNothingIsMounted) {
  auto runtime = open();
  auto box = create(runtime, BoxSpec());
  EXPECT_EQ(shell(box, "ls -A /dev/shm; grep -c fuse /proc/mounts"), "0\n");
  const auto shared = folder("shared");
  auto other = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt/a"}}});
  EXPECT_EQ(shell(other, "ls -A /dev/shm; grep -c fuse /proc/mounts; touch /mnt/a/x"), "1\n");
  EXPECT_TRUE(std::filesystem::exists(shared / "x"));
}

// Where no program of the box watches, and so nothing is repeated.
TEST_F(FolderTest, WhatTheHostMovesIsGone) {
  const auto shared = folder("shared");
  ASSERT_TRUE(make_directories(shared / "d", 0755));
  for (const auto* file : {"d/x", "a"}) ASSERT_TRUE(write_file_atomic(shared / file, "1", 0644));
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt/a"}}});
  EXPECT_EQ(shell(box, "cat /mnt/a/d/x /mnt/a/a"), "11");
  std::filesystem::rename(shared / "d", shared / "e");
  std::filesystem::rename(shared / "a", shared / "b");
  EXPECT_EQ(shell(box,
                  "for i in $(seq 100); do [ -e /mnt/a/d/x ] || [ -e /mnt/a/a ] || break; sleep 0.1; done; "
                  "ls /mnt/a /mnt/a/e; cat /mnt/a/d/x"),
            "/mnt/a:\nb\ne\n\n/mnt/a/e:\nx\ncat: can't open '/mnt/a/d/x': No such file or directory\n");
}

// The guest does not ask for names in a directory that it has made itself.
TEST_F(FolderTest, WhatTheHostPutsIntoNewDirectoriesIsSeen) {
  const auto shared = folder("shared");
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt/a"}}});
  ASSERT_TRUE(box.start());
  constexpr int count = 100;
  std::atomic<bool> is_over = false;
  // As soon as the host can see the directory, and some while later.
  std::thread host([&] {
    for (int i = 0; i < count && !is_over; ++i) {
      const auto made = shared / std::to_string(i);
      while (!std::filesystem::exists(made) && !is_over) std::this_thread::yield();
      if (i % 2 == 1)
        while (!std::filesystem::exists(made / "asked") && !is_over) std::this_thread::yield();
      EXPECT_TRUE(write_file_atomic(made / "x", "1", 0644));
    }
  });
  EXPECT_EQ(
      shell(box, concat("cd /mnt/a; for i in $(seq 0 ", count - 1,
                        "); do mkdir $i; [ -e $i/y ] && echo y; >$i/asked; n=0; "
                        "until [ -e $i/x ]; do n=$((n+1)); [ $n -gt 10000 ] && echo no $i/x && break; done; "
                        "done")),
      "");
  is_over = true;
  host.join();
}

TEST_F(FolderTest, NamesThatTheGuestHasNotInMindAreThere) {
  const auto shared = folder("shared");
  auto runtime = open();
  auto box =
      create(runtime, {.privileged = true, .mounts = {{.source = shared.native(), .target = "/mnt/a"}}});
  // Files and directories, made, linked and moved into a new directory, out of it, and replaced.
  EXPECT_EQ(
      shell(box,
            "exec 2>&1; cd /mnt/a && mkdir new other && cd new && mkdir d && echo 1 >d/f && echo 2 >a && ln "
            "a b && mv b "
            "c && "
            "ln -s a l && echo 3 >../other/x && mv ../other/x x && echo 4 >t && mv t x && mv a ../other && "
            "mkfifo p && echo 5 >gone && rm gone; sync; echo 2 >/proc/sys/vm/drop_caches; "
            "cat d/f c x l; cat gone; [ -p p ] && echo p; mkdir d; echo 6 >c; cat c; ls"),
      "1\n2\n4\ncat: can't open 'l': No such file or directory\n"
      "cat: can't open 'gone': No such file or directory\np\nmkdir: can't create directory 'd': File exists\n"
      "6\nc\nd\nl\np\nx\n");
}

TEST_F(FolderTest, SaysThatAFileAndADirectoryDoNotFit) {
  const auto shared = folder("shared");
  const auto single = (directory() / "single").native();
  ASSERT_TRUE(write_file_atomic(single, "single\n", 0644));
  auto runtime = open();
  const auto start = [&](const std::string& source, const std::string& target) {
    auto box = create(runtime, {.mounts = {{.source = source, .target = target}}});
    const auto started = box.start();
    EXPECT_FALSE(started);
    return started ? std::string()
                   : started.error().message() + " | " + std::string(started.error().remedy());
  };
  EXPECT_THAT(start(shared.native(), "/etc/passwd"),
              AllOf(HasSubstr(in_quotes(shared.native())), HasSubstr("\"/etc/passwd\" is a file"),
                    HasSubstr("name a directory")));
  EXPECT_THAT(start(single, "/etc"), AllOf(HasSubstr(in_quotes(single)), HasSubstr("\"/etc\" is a directory"),
                                           HasSubstr("name the file")));
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  const auto late = box.add_mount({.source = shared.native(), .target = "/etc/passwd"});
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message(), AllOf(HasSubstr(shared.native()), HasSubstr("is a file")));
}

TEST_F(FolderTest, ReadOnlyHoldsAgainstAHostileRoot) {
  const auto shared = folder("shared");
  ASSERT_TRUE(write_file_atomic(shared / "file", "kept", 0666));
  auto runtime = open();
  auto box = create(runtime, {.privileged = true,
                              .mounts = {{.source = shared.native(), .target = "/a", .read_only = true}}});
  EXPECT_THAT(shell(box, "mount -o remount,rw /a; echo broken >/a/file; touch /a/new; rm -f /a/file; ls /a"),
              HasSubstr("Read-only"));
  EXPECT_EQ(read_file(shared / "file").value(), "kept");
  EXPECT_FALSE(std::filesystem::exists(shared / "new"));
}

TEST_F(FolderTest, ComeAndGoWhileTheBoxRuns) {
  const auto one = folder("one");
  ASSERT_TRUE(write_file_atomic(one / "file", "one\n", 0644));
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  const Mount mount{.source = one.native(), .target = "/srv/one"};
  ASSERT_TRUE(box.add_mount(mount));
  EXPECT_EQ(box.add_mount(mount).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(shell(box, "cat /srv/one/file"), "one\n");
  ASSERT_TRUE(box.stop());
  EXPECT_EQ(shell(box, "cat /srv/one/file"), "one\n") << "it is there after the next start";
  ASSERT_TRUE(box.remove_mount("/srv//one/"));
  EXPECT_EQ(shell(box, "ls -A /srv/one"), "");
  EXPECT_EQ(box.remove_mount("/srv/one").error().code(), ErrorCode::not_found);
  EXPECT_EQ(box.add_mount({.source = "/no/such/place", .target = "/x"}).error().code(), ErrorCode::not_found);
  EXPECT_TRUE(box.info()->spec.mounts.empty());
  EXPECT_EQ(read_file(one / "file").value(), "one\n");
}

// Its guest has been told to unmount it, and says nothing.
TEST_F(FolderTest, GoesAlsoFromAGuestThatDoesNotAnswer) {
  const auto kept = folder("kept-by-the-guest");
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = kept.native(), .target = "/srv/kept"}}});
  ASSERT_TRUE(box.start());
  const auto info = box.info().value();
  const auto is_there = [&] {
    const auto mounts = read_file(concat("/proc/", *info.shim_pid, "/mountinfo"));
    return mounts && mounts->find("kept-by-the-guest") != std::string::npos;
  };
  ASSERT_TRUE(is_there());
  ASSERT_EQ(::kill(*info.vmm_pid, SIGSTOP), 0);
  std::optional<Result<void>> removed;
  std::thread remover([&] { removed = box.remove_mount("/srv/kept"); });
  EXPECT_TRUE(comes_true([&] { return !is_there(); }));
  ::kill(*info.vmm_pid, SIGCONT);
  remover.join();
  EXPECT_TRUE(*removed) << removed->error().message();
}

// What a program of the box has open in it as well.
TEST_F(FolderTest, IsOutOfReachOnceItIsDetached) {
  const auto kept = folder("kept");
  ASSERT_TRUE(write_file_atomic(kept / "file", "one\n", 0644));
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = kept.native(), .target = "/srv/kept"},
                                         {.source = folder("other").native(), .target = "/srv/other"}}});
  ASSERT_TRUE(box.start());
  shell(box,
        "(exec 9<>/srv/kept/file; cd /srv/kept; touch /held; until [ -e /go ]; do sleep 0.02; done;"
        " echo two >&9; echo new >new; cat file; touch /done) >/dev/null 2>&1 &"
        " until [ -e /held ]; do sleep 0.02; done");
  EXPECT_TRUE(box.remove_mount("/srv/kept"));
  EXPECT_EQ(shell(box, "touch /go; until [ -e /done ]; do sleep 0.02; done; echo 1 >/srv/other/x"), "");
  EXPECT_EQ(read_file(kept / "file").value(), "one\n");
  EXPECT_FALSE(std::filesystem::exists(kept / "new"));
}

// Of the host and in the box at once, for as long as a program of the box looks.
TEST_F(FolderTest, NothingOutsideIsReachedWhileNamesAreSwapped) {
  const auto shared = folder("shared");
  const auto outside = folder("outside");
  ASSERT_TRUE(write_file_atomic(outside / "f", "secret\n", 0644));
  for (const auto* name : {"shared/d", "shared/e"})
    ASSERT_TRUE(write_file_atomic(folder(name) / "f", "shared\n", 0644));
  std::filesystem::create_symlink("../outside", shared / "s");
  std::filesystem::create_symlink(outside, shared / "t");
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt"}}});
  ASSERT_TRUE(box.start());
  std::atomic<bool> is_over = false;
  std::thread swapper([&] {
    while (!is_over)
      for (const auto* name : {"s", "e", "t"})
        ::renameat2(AT_FDCWD, (shared / "d").c_str(), AT_FDCWD, (shared / name).c_str(), RENAME_EXCHANGE);
  });
  const auto seen = shell(box,
                          "cd /mnt; (while [ ! -e /over ]; do mv -T e x; mv -T x e; done) >/dev/null 2>&1 &"
                          " n=0; until [ $n -ge 30 ] && [ \"$met\" ]; do n=$((n+1)); seen=$(cat d/f);"
                          " echo $seen; [ \"$seen\" = box ] && met=yes; echo box >d/f; rm d/made;"
                          " echo made >d/made; chmod 700 d; ln d/f linked; rm linked; done 2>/dev/null;"
                          " touch /over; wait");
  is_over = true;
  swapper.join();
  EXPECT_THAT(seen, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(seen, HasSubstr("box\n"));
  EXPECT_EQ(read_file(outside / "f").value(), "secret\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(outside), {}), 1);
  EXPECT_EQ(std::filesystem::status(outside).permissions(), std::filesystem::perms(0755));
}

// Its end is nobody's but its own: what is asked for fails, and the next start has another.
TEST_F(FolderTest, AServerThatDiesFailsWhatIsAskedForAndNoMore) {
  const auto shared = folder("shared");
  ASSERT_TRUE(write_file_atomic(shared / "file", "one\n", 0644));
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt"}}});
  ASSERT_TRUE(box.start());
  ASSERT_EQ(shell(box, "cat /mnt/file"), "one\n");
  const auto server = child_named(*box.info()->shim_pid, "boxlite-fileserver");
  ASSERT_GT(server, 0);
  ASSERT_EQ(::kill(server, SIGKILL), 0);
  EXPECT_THAT(shell(box, "until ! cat /mnt/file 2>/dev/null; do :; done; ls /mnt"),
              HasSubstr("not connected"));
  EXPECT_EQ(shell(box, "echo fine"), "fine\n");
  ASSERT_TRUE(box.stop());
  EXPECT_EQ(shell(box, "cat /mnt/file"), "one\n");
}

// One that was lost would be found with the next one.
TEST_F(FolderTest, NoAnswerIsLostBetweenTwoProcessors) {
  const auto shared = folder("shared");
  auto runtime = open();
  auto box = create(runtime, {.cpus = 2, .mounts = {{.source = shared.native(), .target = "/mnt"}}});
  EXPECT_EQ(
      shell(
          box,
          "timeout -s KILL 60 sh -c 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); f=/mnt/$((i%5)); echo $i >$f; "
          "read x <$f; [ $x = $i ] || echo wrong; usleep $((i%3*10000)); done; echo all'"),
      "all\n");
}

// Neither side may wait for the other to read.
TEST_F(FolderTest, MuchIsReadAndWrittenAtOnce) {
  const auto shared = folder("shared");
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(write_file_atomic(shared / concat("in", i), std::string(24u << 20, 'x'), 0644));
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/mnt"}}});
  EXPECT_EQ(shell(box,
                  "timeout -s KILL 100 sh -c 'for i in 0 1 2 3; do (dd if=/mnt/in$i of=/dev/null bs=1M; "
                  "dd if=/dev/zero of=/mnt/out$i bs=1M count=24) 2>/dev/null & done; "
                  "for i in 4 5; do dd if=/dev/zero of=/mnt/out$i bs=1M count=24 2>/dev/null; done; wait; "
                  "cat /mnt/out* | wc -c'"),
            concat(6 * (24u << 20), "\n"));
}

TEST_F(FolderTest, CanBeTwentyAtOnce) {
  BoxSpec spec;
  for (int i = 0; i < 20; ++i) {
    const auto place = folder(concat("f", i));
    EXPECT_TRUE(write_file_atomic(place / "number", concat(i, "\n"), 0644));
    spec.mounts.push_back({.source = place.native(), .target = concat("/many/", i)});
  }
  auto runtime = open();
  auto box = create(runtime, spec);
  EXPECT_EQ(shell(box, "cat /many/*/number | sort -n | tail -1; ls /many | wc -l"), "19\n20\n");
}

TEST_F(FolderTest, ManyFilesLeaveNothingBehind) {
  const auto shared = folder("shared");
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = shared.native(), .target = "/a"}}});
  const auto descriptors = [&] {
    const std::filesystem::directory_iterator all(concat("/proc/", box.info()->vmm_pid.value(), "/fd"));
    return std::distance(begin(all), end(all));
  };
  ASSERT_TRUE(box.start());
  const auto descriptors_before = descriptors();
  EXPECT_EQ(shell(box,
                  "cd /a && i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i >$i; done; ls | wc -l; "
                  "find . -type f -exec cat {} + | wc -l"),
            "2000\n2000\n");
  EXPECT_EQ(read_file(shared / "2000").value(), "2000\n");
  EXPECT_LT(descriptors(), descriptors_before + 50);
}

TEST_F(FolderTest, AFolderThatIsGoneIsNamed) {
  const auto gone = folder("gone");
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = gone.native(), .target = "/a"}}});
  std::filesystem::remove(gone);
  const auto started = box.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::not_found);
  EXPECT_THAT(started.error().message(), HasSubstr(gone.native()));
}

TEST_F(FolderTest, VolumesAreFilledSharedAndKept) {
  auto runtime = open();
  BoxSpec spec{.mounts = {{.type = MountType::volume, .source = "etc", .target = "/etc"},
                          {.type = MountType::volume, .target = "/anonymous"}}};
  auto one = create(runtime, spec);
  auto two = create(runtime, {.mounts = {{.type = MountType::volume, .source = "etc", .target = "/v"}}});
  EXPECT_THAT(shell(one, "cat /etc/passwd"), HasSubstr("root:"));
  EXPECT_EQ(
      shell(one, "echo x >/etc/f; chown 1000:50 /etc/f; chmod 4750 /etc/f; ln -s f /etc/l; mkfifo /etc/p"),
      "");
  EXPECT_EQ(shell(two, "stat -c %u:%g:%a /v/f; readlink /v/l; test -p /v/p && echo fifo"),
            "1000:50:4750\nf\nfifo\n");
  EXPECT_EQ(runtime.volumes().list()->size(), 2u);
  EXPECT_EQ(runtime.volumes().get("etc")->used_by.size(), 2u);
  EXPECT_EQ(runtime.volumes().remove("etc").error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(runtime.remove(one.id(), {.force = true, .volumes = true}));
  ASSERT_TRUE(runtime.remove(two.id(), {.force = true, .volumes = true}));
  ASSERT_EQ(runtime.volumes().list()->size(), 1u) << "the anonymous one went with its box";
  EXPECT_TRUE(runtime.volumes().prune()->empty());
  EXPECT_EQ(runtime.volumes().prune({.all = true}).value(), std::vector<std::string>{"etc"});
}

// The box may write one folder, and another one lies below it.
class NestedFolderTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    work_ = folder("w");
    folder("w/data");
    const auto secret = folder("private");
    ASSERT_TRUE(write_file_atomic(secret / "key", "secret", 0600));
    ASSERT_TRUE(write_file_atomic(work_ / "single", "single", 0600));
  }
  // What a hostile box does, seen from the host.
  static void swap(Box& box, const std::string& place, const std::filesystem::path& target) {
    EXPECT_EQ(shell(box, concat("mv ", place, " ", place, ".old && ln -s ", target.native(), " ", place)),
              "");
  }
  std::filesystem::path private_folder() const { return directory() / "private"; }
  static void expect_refused(const Result<void>& done) {
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), ErrorCode::invalid_state) << done.error().message();
    EXPECT_THAT(done.error().message(), HasSubstr("has become a symlink"));
    EXPECT_THAT(done.error().remedy(), HasSubstr("volume detach"));
  }

  std::filesystem::path work_;
};

TEST_F(NestedFolderTest, ASourceThatABoxMadeASymlinkIsNotFollowed) {
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = work_.native(), .target = "/w"},
                                         {.source = (work_ / "data").native(), .target = "/data"},
                                         {.source = (work_ / "single").native(), .target = "/single"}}});
  EXPECT_EQ(shell(box, "cat /single"), "single");
  swap(box, "/w/data", private_folder());
  ASSERT_TRUE(box.stop());
  expect_refused(box.start());
  EXPECT_EQ(box.exec({.command = {"cat", "/data/key"}}).error().code(), ErrorCode::invalid_state);
  EXPECT_EQ(box.files().read("/data/key").error().code(), ErrorCode::invalid_state);
  // The way out that the error names.
  ASSERT_TRUE(box.remove_mount("/data"));
  ASSERT_TRUE(box.start());
  swap(box, "/w/single", private_folder() / "key");
  ASSERT_TRUE(box.stop());
  expect_refused(box.start());
  ASSERT_TRUE(box.remove_mount("/single"));
  EXPECT_THAT(shell(box, "cat /w/data/key"), HasSubstr("No such file"))
      << "in the box it leads within the box";
}

TEST_F(NestedFolderTest, NorByAnotherBoxNorWhileOneRuns) {
  auto runtime = open();
  auto box = create(runtime, {.mounts = {{.source = work_.native(), .target = "/w"}}});
  auto other = create(runtime, {.mounts = {{.source = (work_ / "data").native(), .target = "/data"}}});
  const auto way = directory() / "way";
  ASSERT_EQ(::symlink(work_.c_str(), way.c_str()), 0);
  swap(box, "/w/data", private_folder());
  expect_refused(other.start());
  const Mount bent{.source = (work_ / "data").native(), .target = "/x"};
  const auto named_now = runtime.create({.mounts = {bent}});
  ASSERT_FALSE(named_now);
  EXPECT_EQ(named_now.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(named_now.error().message(), HasSubstr("a folder that a box may write"));
  EXPECT_EQ(box.add_mount(bent).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(runtime.create({.secret_authorities = work_ / "data/key"}).error().code(),
            ErrorCode::invalid_argument);
  // Symlinks of the user's own are followed, when the folder is named and not later.
  const auto added = box.add_mount({.source = (way / "data.old").native(), .target = "/old"});
  ASSERT_TRUE(added) << added.error().message();
  EXPECT_EQ(box.info()->spec.mounts.back().source, (work_ / "data.old").native());
}

TEST_F(NestedFolderTest, ARestartByThePolicyFollowsNoneEither) {
  auto runtime = open();
  auto box =
      create(runtime, {.command = {"sh", "-c",
                                   concat("cat /data/key >>/w/stolen; test -e /w/data.old || { mv /w/data "
                                          "/w/data.old; ln -s ",
                                          private_folder().native(), " /w/data; }; echo >>/w/runs; exit 1")},
                       .mounts = {{.source = work_.native(), .target = "/w"},
                                  {.source = (work_ / "data").native(), .target = "/data"}},
                       .restart = {.mode = RestartMode::on_failure, .max_retries = 1}});
  ASSERT_TRUE(box.start());
  ASSERT_TRUE(becomes(box, BoxStatus::stopped));
  EXPECT_EQ(read_file(work_ / "runs").value(), "\n\n");
  EXPECT_EQ(read_file(work_ / "stolen").value(), "");
}

}  // namespace
}  // namespace boxlite::test
