// SPDX-License-Identifier: Apache-2.0
// What a guest may not come by, whatever it says.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fileserver/test_hostile_guest.h"
#include "wire/folder_orders.h"

namespace boxlite::fileserver {
namespace {

using fuse::bytes_of;

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    guest_.emplace(acknowledges());
    guest_->attach("0", guest_->host("w"));
    top_ = guest_->node_of(FUSE_ROOT_ID, "0");
  }
  std::filesystem::path host(const std::string& name) const { return guest_->host("w") / name; }
  std::uint64_t opened(std::uint64_t node, std::uint32_t flags) {
    return guest_->open(node, flags).as<fuse_open_out>().fh;
  }
  std::uint64_t opened_directory(std::uint64_t node) {
    return guest_->ask(FUSE_OPENDIR, node, bytes_of(fuse_open_in{})).as<fuse_open_out>().fh;
  }
  std::ptrdiff_t descriptors() const {
    const std::filesystem::directory_iterator all(concat("/proc/", guest_->server(), "/fd"));
    return std::distance(begin(all), end(all));
  }
  // Memory of the server, in KiB.
  long resident() const {
    std::ifstream status(concat("/proc/", guest_->server(), "/status"));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
    return -1;
  }
  // From now on requests of this process repeat what the host does; one is under way.
  void begin_to_repeat(std::uint32_t pid) {
    guest_->send(wire::repeater_order, 0, bytes_of(wire::Repeater{pid}));
    // The order is carried out before anything that is answered later.
    guest_->look_up(top_, "none");
    put(host("told"), "");
    while (guest_->next_notice().code != wire::repeat_order) {
    }
  }

  virtual bool acknowledges() const { return true; }
  std::optional<HostileGuest> guest_;
  std::uint64_t top_ = 0;
};

std::string with_zero(std::string_view text) {
  return concat(text, '\0');
}

testing::AssertionResult soon(const std::function<bool()>& is_true) {
  const auto deadline = Deadline::after(std::chrono::seconds(10));
  while (!is_true()) {
    if (deadline.has_passed()) return testing::AssertionFailure() << "not within a minute";
    std::this_thread::yield();
  }
  return testing::AssertionSuccess();
}

TEST_F(Hostile, AFolderThatIsDetachedIsOutOfReach) {
  guest_->attach("1", guest_->host("other"));
  put(host("f"), "text");
  std::filesystem::create_directory(host("d"));
  const auto before = descriptors();
  const auto file = guest_->node_of(top_, "f");
  const auto directory = guest_->node_of(top_, "d");
  const auto handle = opened(file, O_RDWR);
  const auto listing = opened_directory(directory);
  fuse_lk_in lock = {};
  lock.fh = handle;
  lock.owner = 1;
  lock.lk = {.start = 0, .end = 10, .type = F_WRLCK, .pid = 1};
  guest_->say_forgotten(1000);
  ASSERT_EQ(guest_->ask(FUSE_SETLK, file, bytes_of(lock)).error, 0);
  ASSERT_EQ(guest_->read(FUSE_READ, file, handle).body, "text");
  guest_->detach("0");
  EXPECT_TRUE(soon([&] { return guest_->look_up(top_, "f").error == ESTALE; }));
  EXPECT_EQ(guest_->read(FUSE_READ, file, handle).error, EBADF);
  EXPECT_EQ(guest_->read(FUSE_READDIR, directory, listing).error, EBADF);
  EXPECT_EQ(guest_->ask(FUSE_OPENDIR, directory, bytes_of(fuse_open_in{})).error, ESTALE);
  EXPECT_EQ(guest_->ask(FUSE_MKDIR, top_, concat(bytes_of(fuse_mkdir_in{0755, 0}), "new", '\0')).error,
            ESTALE);
  // Its file system can be unmounted on the host.
  EXPECT_LE(descriptors(), before);
  EXPECT_NE(guest_->node_of(FUSE_ROOT_ID, "1"), 0u);
}

// What the guest has asked for before is not done after, however long it takes to read its answers.
TEST_F(Hostile, WhatWaitsToBeDoneIsNotDoneInADetachedFolder) {
  put(host("f"), std::string(fuse::max_transfer, '-'));
  const auto file = guest_->node_of(top_, "f");
  const auto handle = opened(file, O_RDWR);
  fuse_read_in read = {};
  read.fh = handle;
  read.size = fuse::max_transfer;
  fuse_write_in write = {};
  write.fh = handle;
  write.size = 1;
  const auto first = guest_->send(FUSE_READ, file, bytes_of(read));
  // Come together, as the server is busy with the first.
  guest_->send(FUSE_READ, file, bytes_of(read));
  const auto last = guest_->send(FUSE_WRITE, file, concat(bytes_of(write), "x"));
  EXPECT_EQ(guest_->answer_to(first).error, 0);
  guest_->wait_for_more();
  guest_->detach("0");
  EXPECT_NE(guest_->answer_to(last).error, 0);
  EXPECT_EQ(text_of(host("f")).front(), '-');
}

// The path that the guest was told may lead to another file by the time it is there.
TEST_F(Hostile, WhatIsRepeatedChangesNothingElse) {
  put(host("victim"), "text");
  const auto victim = guest_->node_of(top_, "victim");
  begin_to_repeat(77);
  const auto refused = [&](std::uint32_t opcode, std::uint64_t node, std::string_view payload) {
    return guest_->ask(opcode, node, payload, 77).error != 0;
  };
  EXPECT_TRUE(refused(FUSE_UNLINK, top_, with_zero("victim")));
  EXPECT_TRUE(
      refused(FUSE_RENAME, top_, concat(bytes_of(fuse_rename_in{top_}), "victim", '\0', "moved", '\0')));
  EXPECT_TRUE(
      refused(FUSE_MKNOD, top_, concat(bytes_of(fuse_mknod_in{S_IFREG | 0644, 0, 0, 0}), "new", '\0')));
  EXPECT_TRUE(refused(FUSE_MKDIR, top_, concat(bytes_of(fuse_mkdir_in{0755, 0}), "new", '\0')));
  EXPECT_TRUE(refused(FUSE_SYMLINK, top_, concat("new", '\0', "-", '\0')));
  fuse_setattr_in cut = {};
  cut.valid = FATTR_SIZE;
  EXPECT_TRUE(refused(FUSE_SETATTR, victim, bytes_of(cut)));
  EXPECT_FALSE(refused(FUSE_LOOKUP, top_, with_zero("victim")));
  EXPECT_EQ(text_of(host("victim")), "text");
  EXPECT_FALSE(std::filesystem::exists(host("new")));
  EXPECT_FALSE(std::filesystem::exists(host("moved")));
  // Also when nothing is under way.
  guest_->send(wire::repeated_order, 0, {}, 77);
  EXPECT_TRUE(refused(FUSE_UNLINK, top_, with_zero("victim")));
}

TEST_F(Hostile, AProgramOfTheHostLosesItsSetIdBitsWhenTheBoxWrites) {
  put(host("tool"), "#!/bin/sh\n");
  ASSERT_EQ(::chmod(host("tool").c_str(), 06755), 0);
  const auto tool = guest_->node_of(top_, "tool");
  EXPECT_EQ(guest_->write(tool, opened(tool, O_WRONLY), "evil").error, 0);
  struct stat status = {};
  ASSERT_EQ(::stat(host("tool").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
}

// Nobody who waits at the other end of a fifo is to be deceived.
TEST_F(Hostile, AFifoOfTheHostIsNeverOpened) {
  ASSERT_EQ(::mkfifo(host("fifo").c_str(), 0644), 0);
  const UniqueFd listener(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(listener.get(), host("fifo").c_str(), IN_OPEN), 0);
  const auto fifo = guest_->node_of(top_, "fifo");
  fuse_create_in create = {};
  create.flags = O_RDWR;
  create.mode = S_IFREG | 0644;
  EXPECT_NE(guest_->ask(FUSE_CREATE, top_, concat(bytes_of(create), "fifo", '\0')).error, 0);
  begin_to_repeat(77);
  const auto reply = guest_->ask(FUSE_OPEN, fifo, bytes_of(fuse_open_in{}), 77);
  EXPECT_NE(reply.error, 0);
  fuse_lk_in lock = {};
  lock.fh = reply.as<fuse_open_out>().fh;
  lock.lk.type = F_RDLCK;
  EXPECT_NE(guest_->ask(FUSE_GETLK, fifo, bytes_of(lock)).error, 0);
  pollfd heard = {listener.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&heard, 1, 0), 0);
}

TEST_F(Hostile, ManyOpenDirectoriesCostLittle) {
  std::filesystem::create_directory(host("d"));
  for (int i = 0; i < 200; ++i) put(host("d") / concat(std::string(200, 'n'), i), "");
  const auto directory = guest_->node_of(top_, "d");
  const auto before = resident();
  for (int i = 0; i < 2000; ++i) {
    const auto listing = opened_directory(directory);
    ASSERT_FALSE(guest_->read(FUSE_READDIR, directory, listing, 512).body.empty());
  }
  EXPECT_LT(resident() - before, 24 << 10);
}

// rename(2) of a file to another name of itself does nothing, and nothing is heard of it.
TEST_F(Hostile, WhatIsHeardOfNothingIsNotWaitedForForever) {
  const std::string one(250, 'a');
  const std::string other(250, 'b');
  long before = 0;
  for (int d = 0; d < 4; ++d) {
    // As many as ever will be.
    if (d == 2) before = resident();
    const auto name = concat("d", d);
    std::filesystem::create_directory(host(name));
    put(host(name) / one, "");
    std::filesystem::create_hard_link(host(name) / one, host(name) / other);
    const auto directory = guest_->node_of(top_, name);
    const auto rename = concat(bytes_of(fuse_rename_in{directory}), one, '\0', other, '\0');
    for (int i = 0; i < 15'000; ++i) ASSERT_EQ(guest_->ask(FUSE_RENAME, directory, rename).error, 0);
  }
  EXPECT_LT(resident() - before, 4 << 10);
}

// Nor is what stands beside it anything that the guest can read or write.
TEST_F(Hostile, ADeviceOfAVolumeIsNoneInAFolder) {
  put(host("f"), "text");
  ASSERT_EQ(::setxattr(host("f").c_str(), "user.boxlite.stat", "0 0 20000 2049", 14, 0), 0);
  const auto reply = guest_->look_up(top_, "f");
  ASSERT_EQ(reply.error, 0);
  EXPECT_EQ(reply.as<fuse_entry_out>().attr.mode & S_IFMT, static_cast<unsigned>(S_IFREG));
  const auto file = reply.as<fuse_entry_out>().nodeid;
  const auto get = concat(bytes_of(fuse_getxattr_in{1000, 0}), "user.boxlite.stat", '\0');
  EXPECT_NE(guest_->ask(FUSE_GETXATTR, file, get).error, 0);
  EXPECT_EQ(guest_->ask(FUSE_LISTXATTR, file, bytes_of(fuse_getxattr_in{1000, 0})).body, "");
  EXPECT_NE(guest_->ask(FUSE_REMOVEXATTR, file, with_zero("user.boxlite.stat")).error, 0);
  for (const auto* name : {"user.boxlite.stat", "user.virtfs.uid", "trusted.x", "security.capability"}) {
    const auto set = concat(std::string_view("\1\0\0\0\0\0\0\0", 8), name, '\0', "x");
    EXPECT_EQ(guest_->ask(FUSE_SETXATTR, file, set).error, EOPNOTSUPP) << name;
  }
}

// What the host's file system has to say is said to the guest.
TEST_F(Hostile, WhatTheHostCannotDoIsRefusedAsItSays) {
  const auto small = guest_->host("small");
  std::filesystem::create_directories(small);
  ASSERT_EQ(::mount("small", small.c_str(), "tmpfs", 0, "size=64k"), 0);
  guest_->attach("1", small);
  const auto top = guest_->node_of(FUSE_ROOT_ID, "1");
  put(small / "f", "text");
  const auto file = guest_->node_of(top, "f");
  const auto handle = opened(file, O_RDWR);
  EXPECT_EQ(guest_->write(file, handle, std::string(256 << 10, 'x')).as<fuse_write_out>().size, 64u << 10);
  fuse_fallocate_in more = {};
  more.fh = handle;
  more.length = 1 << 20;
  EXPECT_EQ(guest_->ask(FUSE_FALLOCATE, file, bytes_of(more)).error, ENOSPC);
  more.offset = ~std::uint64_t{0} - 10;
  EXPECT_EQ(guest_->ask(FUSE_FALLOCATE, file, bytes_of(more)).error, EINVAL);
  fuse_write_in behind = {};
  behind.fh = handle;
  behind.offset = ~std::uint64_t{0} >> 1;
  behind.size = 1;
  EXPECT_EQ(guest_->ask(FUSE_WRITE, file, concat(bytes_of(behind), "x")).error, EINVAL);
  std::filesystem::remove(small / "f");
  EXPECT_EQ(guest_->read(FUSE_READ, file, handle).body.size(), 4096u);
  EXPECT_EQ(guest_->node_of(top, "f"), 0u);
  fuse_release_in release = {};
  release.fh = handle;
  EXPECT_EQ(guest_->ask(FUSE_RELEASE, file, bytes_of(release)).error, 0);
  ASSERT_EQ(::mount(nullptr, small.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(guest_->ask(FUSE_MKDIR, top, concat(bytes_of(fuse_mkdir_in{0755, 0}), "d", '\0')).error, EROFS);
  ::umount2(small.c_str(), MNT_DETACH);
  // The shared directory itself is removed.
  std::filesystem::remove_all(guest_->host("w"));
  EXPECT_EQ(guest_->ask(FUSE_MKDIR, top_, concat(bytes_of(fuse_mkdir_in{0755, 0}), "d", '\0')).error, ENOENT);
  EXPECT_NE(guest_->ask(FUSE_OPENDIR, top_, bytes_of(fuse_open_in{})).error, EIO);
}

// The guest moves what it knows by a name, the server what is there: these may differ for the moment.
TEST_F(Hostile, AMovedNameThatWasAnotherFileIsLookedUpAnew) {
  for (const auto flags : {0u, static_cast<unsigned>(RENAME_EXCHANGE)}) {
    for (const auto* name : {"x", "y", "new"}) put(host(name), name);
    ASSERT_NE(guest_->node_of(top_, "x"), 0u);
    ASSERT_NE(guest_->node_of(top_, "y"), 0u);
    std::filesystem::rename(host("new"), host("y"));
    const fuse_rename2_in in = {.newdir = top_, .flags = flags, .padding = 0};
    ASSERT_EQ(guest_->ask(FUSE_RENAME2, top_, concat(bytes_of(in), "y", '\0', "x", '\0')).error, 0);
    EXPECT_EQ(text_of(host("x")), "new");
    std::set<std::string> forgotten;
    while (!forgotten.contains("x")) {
      const auto notice = guest_->next_notice();
      ASSERT_NE(notice.code, 0) << "no word of x";
      if (notice.code == FUSE_NOTIFY_INVAL_ENTRY)
        forgotten.insert(notice.body.c_str() + sizeof(fuse_notify_inval_entry_out));
      guest_->say_forgotten(1);
    }
    guest_->say_forgotten(100);
  }
}

TEST_F(Hostile, AThousandWaitForALock) {
  put(host("f"), "");
  const UniqueFd held(::open(host("f").c_str(), O_RDWR | O_CLOEXEC));
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(held.get(), F_OFD_SETLK, &whole), 0);
  const auto file = guest_->node_of(top_, "f");
  fuse_lk_in lock = {};
  lock.fh = opened(file, O_RDWR);
  guest_->say_forgotten(1000);
  std::vector<std::uint64_t> waiting;
  for (unsigned i = 0; i < 1000; ++i) {
    lock.owner = i;
    lock.lk = {.start = 0, .end = 1, .type = F_RDLCK, .pid = 1};
    waiting.push_back(guest_->send(FUSE_SETLKW, file, bytes_of(lock)));
  }
  // Others are answered meanwhile, also what takes long.
  fuse_fsync_in flush = {};
  flush.fh = lock.fh;
  EXPECT_EQ(guest_->ask(FUSE_FSYNC, file, bytes_of(flush)).error, 0);
  for (const auto index : {0u, 999u}) {
    guest_->send(FUSE_INTERRUPT, file, bytes_of(fuse_interrupt_in{waiting[index]}));
    EXPECT_EQ(guest_->answer_to(waiting[index]).error, EINTR);
    waiting[index] = 0;
  }
  whole.l_type = F_UNLCK;
  ASSERT_EQ(::fcntl(held.get(), F_OFD_SETLK, &whole), 0);
  std::set<std::uint64_t> left(waiting.begin(), waiting.end());
  left.erase(0);
  while (!left.empty()) {
    const auto [unique, error] = guest_->next_answer();
    ASSERT_EQ(error, 0);
    ASSERT_EQ(left.erase(unique), 1u);
  }
}

fuse_lk_in write_lock(std::uint64_t handle) {
  fuse_lk_in lock = {};
  lock.fh = handle;
  lock.owner = 1;
  lock.lk = {.start = 0, .end = 1, .type = F_WRLCK, .pid = 1};
  return lock;
}

// Nothing says how long a request is that has more behind it than it needs.
TEST_F(Hostile, WhatWaitsCostsLittle) {
  put(host("f"), "");
  const auto file = guest_->node_of(top_, "f");
  const auto lock = write_lock(opened(file, O_RDWR));
  const UniqueFd held(::open(host("f").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  auto whole = lock;
  whole.lk_flags = FUSE_LK_FLOCK;
  put(host("f"), "of the host");
  const auto before = resident();
  const std::string surplus(fuse::max_transfer, 'x');
  for (int i = 0; i < 50; ++i) {
    guest_->send(FUSE_SETLKW, file, concat(bytes_of(whole), surplus));
    guest_->send(FUSE_SETLK, file, concat(bytes_of(lock), surplus));
    guest_->send(FUSE_OPEN, file, concat(bytes_of(fuse_open_in{}), surplus));
  }
  guest_->look_up(top_, "none");
  EXPECT_LT(resident() - before, 16 << 10);
}

// What is read under a lock is what others wrote under it: the guest's kernel forgets before the program goes
// on.
TEST_F(Hostile, ALockIsAnsweredOnceTheGuestHasForgotten) {
  put(host("f"), "");
  const auto file = guest_->node_of(top_, "f");
  const auto lock = write_lock(opened(file, O_RDWR));
  put(host("f"), "of the host");
  const auto granted = guest_->send(FUSE_SETLK, file, bytes_of(lock));
  const auto other = guest_->send(FUSE_GETATTR, file, bytes_of(fuse_getattr_in{}));
  EXPECT_EQ(guest_->next_answer().first, other);
  guest_->say_forgotten(1000);
  EXPECT_EQ(guest_->next_answer(), std::pair(granted, 0));
}

// The guest is not told of a file as it is now and shown pages of before.
TEST_F(Hostile, AnOpenIsAnsweredOnceTheGuestHasForgotten) {
  put(host("f"), "");
  const auto file = guest_->node_of(top_, "f");
  const auto was_opened = opened(file, O_RDONLY);
  EXPECT_NE(was_opened, 0u);
  put(host("f"), "of the host");
  const auto opening = guest_->send(FUSE_OPEN, file, bytes_of(fuse_open_in{}));
  const auto other = guest_->send(FUSE_GETATTR, file, bytes_of(fuse_getattr_in{}));
  EXPECT_EQ(guest_->next_answer().first, other);
  guest_->say_forgotten(1000);
  EXPECT_EQ(guest_->next_answer().first, opening);
}

TEST_F(Hostile, ALockThatWasWaitedForIsAnsweredOnceTheGuestHasForgotten) {
  put(host("f"), "");
  const auto file = guest_->node_of(top_, "f");
  const auto lock = write_lock(opened(file, O_RDWR));
  const UniqueFd held(::open(host("f").c_str(), O_RDWR | O_CLOEXEC));
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(held.get(), F_OFD_SETLK, &whole), 0);
  const auto waiting = guest_->send(FUSE_SETLKW, file, bytes_of(lock));
  put(host("f"), "of the host");
  whole.l_type = F_UNLCK;
  ASSERT_EQ(::fcntl(held.get(), F_OFD_SETLK, &whole), 0);
  EXPECT_EQ(guest_->next_notice().code, FUSE_NOTIFY_INVAL_INODE);
  // The lock is there by now, or soon.
  EXPECT_TRUE(soon([&] {
    struct flock found = {};
    found.l_type = F_WRLCK;
    return ::fcntl(held.get(), F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
  }));
  const auto other = guest_->send(FUSE_GETATTR, file, bytes_of(fuse_getattr_in{}));
  EXPECT_EQ(guest_->next_answer().first, other);
  guest_->say_forgotten(1000);
  EXPECT_EQ(guest_->next_answer(), std::pair(waiting, 0));
}

// An older agent's, in a saved machine.
TEST_F(Hostile, WhoDoesNotSayWhatItHasForgottenMayKeepNothing) {
  HostileGuest older(false);
  older.attach("0", older.host("w"));
  put(older.host("w") / "f", "");
  const auto top = older.look_up(FUSE_ROOT_ID, "0").as<fuse_entry_out>();
  const auto entry = older.look_up(top.nodeid, "f").as<fuse_entry_out>();
  EXPECT_EQ(top.entry_valid + entry.entry_valid + entry.attr_valid, 0u);
  EXPECT_EQ(older.look_up(top.nodeid, "absent").as<fuse_entry_out>().entry_valid, 0u);
  const auto open = older.open(entry.nodeid, O_RDWR).as<fuse_open_out>();
  EXPECT_EQ(open.open_flags, FOPEN_DIRECT_IO);
}

// Directories become symlinks that lead out, and files links and fifos, and back, as fast as it goes.
class Swaps {
 public:
  Swaps(const std::filesystem::path& folder, const std::filesystem::path& outside)
      : folder_(folder), secret_(outside / "f"), real_(*open_file(folder / "e", O_PATH | O_DIRECTORY)) {
    for (const auto* other : {"s", "e"}) threads_.emplace_back([this, other] { exchange("d", other); });
    threads_.emplace_back([this] { replace_file(); });
  }
  Swaps(const Swaps&) = delete;
  Swaps& operator=(const Swaps&) = delete;
  ~Swaps() {
    is_over_ = true;
    for (auto& thread : threads_) thread.join();
  }

 private:
  void exchange(const char* one, const char* other) const {
    while (!is_over_) {
      ::renameat2(AT_FDCWD, (folder_ / one).c_str(), AT_FDCWD, (folder_ / other).c_str(), RENAME_EXCHANGE);
      std::this_thread::yield();
    }
  }
  void replace_file() const {
    const int fd = real_.get();
    while (!is_over_) {
      ::renameat(fd, "f", fd, "aside");
      (void)!::symlinkat(secret_.c_str(), fd, "f");
      ::unlinkat(fd, "f", 0);
      ::mkfifoat(fd, "f", 0644);
      ::renameat(fd, "aside", fd, "f");
    }
  }

  std::filesystem::path folder_;
  std::filesystem::path secret_;
  UniqueFd real_;
  std::atomic<bool> is_over_ = false;
  std::vector<std::thread> threads_;
};

class Swapped : public Hostile {
 protected:
  // One that does would have to read on another thread than it writes on, as the bridge does.
  bool acknowledges() const override { return false; }
  void SetUp() override {
    Hostile::SetUp();
    if (!guest_) return;
    outside_ = guest_->host("outside");
    std::filesystem::create_directories(outside_);
    put(outside_ / "f", "secret");
    ASSERT_EQ(::chmod(outside_.c_str(), 0751), 0);
    for (const auto* name : {"d", "e"}) {
      std::filesystem::create_directories(host(name));
      put(host(name) / "f", "shared");
    }
    std::filesystem::create_symlink("../outside", host("s"));
    std::filesystem::create_symlink(outside_, host("t"));
  }
  void close(std::uint64_t node, std::uint64_t handle) {
    fuse_release_in release = {};
    release.fh = handle;
    (void)guest_->ask(FUSE_RELEASE, node, bytes_of(release));
  }
  void try_to_write(std::uint64_t file, bool is_read_only) {
    const auto reply = guest_->open(file, O_RDWR | O_TRUNC);
    if (reply.error != 0) return;
    EXPECT_FALSE(is_read_only);
    ++reached_;
    const auto handle = reply.as<fuse_open_out>().fh;
    EXPECT_NE(guest_->read(FUSE_READ, file, handle).body, "secret");
    EXPECT_EQ(guest_->write(file, handle, "written").error, 0);
    close(file, handle);
  }
  void try_to_read(std::uint64_t file) {
    const auto reply = guest_->open(file, O_RDONLY);
    if (reply.error != 0) return;
    const auto handle = reply.as<fuse_open_out>().fh;
    EXPECT_NE(guest_->read(FUSE_READ, file, handle).body, "secret");
    close(file, handle);
  }
  void try_to_make(std::uint64_t directory, bool is_read_only) {
    fuse_create_in in = {};
    in.flags = O_RDWR;
    in.mode = S_IFREG | 0644;
    const auto made = guest_->ask(FUSE_CREATE, directory, concat(bytes_of(in), "made", '\0'));
    if (made.error == 0) {
      EXPECT_FALSE(is_read_only);
      std::uint64_t handle = 0;
      std::memcpy(&handle, made.body.data() + sizeof(fuse_entry_out), sizeof handle);
      close(made.as<fuse_entry_out>().nodeid, handle);
    }
    (void)guest_->ask(FUSE_UNLINK, directory, with_zero("made"));
  }
  void try_to_change(std::uint64_t directory, std::uint64_t file) {
    fuse_setattr_in mode = {};
    mode.valid = FATTR_MODE;
    mode.mode = 0700;
    (void)guest_->ask(FUSE_SETATTR, directory, bytes_of(mode));
    (void)guest_->ask(FUSE_LINK, top_, concat(bytes_of(fuse_link_in{file}), "linked", '\0'));
    (void)guest_->ask(FUSE_UNLINK, top_, with_zero("linked"));
  }
  void try_all(std::uint64_t top) {
    const bool is_read_only = top != top_;
    const auto directory = guest_->node_of(top, "d");
    const auto file = guest_->node_of(directory, "f");
    // The guest swaps as well.
    (void)guest_->ask(FUSE_RENAME2, top_,
                      concat(bytes_of(fuse_rename2_in{top_, RENAME_EXCHANGE, 0}), "d", '\0', "t", '\0'));
    try_to_read(file);
    try_to_write(file, is_read_only);
    try_to_make(directory, is_read_only);
    try_to_change(directory, file);
  }
  void expect_outside_untouched() const {
    EXPECT_EQ(text_of(outside_ / "f"), "secret");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(outside_), {}), 1);
    struct stat status = {};
    ASSERT_EQ(::stat(outside_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0751u);
    ASSERT_EQ(::stat((outside_ / "f").c_str(), &status), 0);
    EXPECT_EQ(status.st_nlink, 1u);
  }

  std::filesystem::path outside_;
  int reached_ = 0;
};

TEST_F(Swapped, NothingOutsideIsReached) {
  const auto* const seconds = std::getenv("BOXLITE_SWAP_SECONDS");
  const auto deadline = Deadline::after(std::chrono::seconds(seconds == nullptr ? 2 : std::atoi(seconds)));
  // With a sanitizer on a busy machine, no open may come through for so long.
  const auto last_deadline = Deadline::after(std::chrono::seconds(90));
  guest_->attach("1", guest_->host("w"), true);
  const auto read_only = guest_->node_of(FUSE_ROOT_ID, "1");
  {
    const Swaps swaps(host(""), outside_);
    while (!deadline.has_passed() || (reached_ == 0 && !last_deadline.has_passed()))
      for (const auto top : {top_, read_only}) try_all(top);
  }
  expect_outside_untouched();
  EXPECT_GT(reached_, 0);
}

}  // namespace
}  // namespace boxlite::fileserver
