// SPDX-License-Identifier: Apache-2.0
// For tests: a directory of this host, served to this host's kernel, which is a FUSE client that nobody of us
// wrote.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/sanitizers.h"
#include "fileserver/nodes/folder_name.h"
#include "fileserver/program.h"
#include "fileserver/server.h"
#include "fuse/bridge.h"
#include "fuse/repeater.h"
#include "fuse/test_mounts.h"
#include "linux/event_loop.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::fileserver {

using fuse::enter_mount_namespace;

inline bool write_existing(const char* path, std::string_view text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return ::write(file.get(), text.data(), text.size()) == std::ssize(text);
}

// Root of a user namespace, as the shim of an ordinary user is.
inline bool become_ordinary_user(uid_t user) {
  const auto map = concat("0 ", user, " 1");
  return ::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0 &&
         ::prctl(PR_SET_DUMPABLE, 1) == 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
         write_existing("/proc/self/setgroups", "deny") && write_existing("/proc/self/uid_map", map) &&
         write_existing("/proc/self/gid_map", map);
}

// boxlite-fileserver, as the shim starts it, confined. `root`: the directory that has the folders.
[[noreturn]] inline void become_server(int root, int channel, int control = -1, const char* word = nullptr,
                                       uid_t host_user = 0) {
  // An ordinary user need not see where it is built.
  const auto program = *open_file(FILESERVER_PROGRAM, O_PATH | O_CLOEXEC);
  const UniqueFd high_program(::fcntl(program.get(), F_DUPFD_CLOEXEC, 10));
  if (host_user != 0 && !become_ordinary_user(host_user)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const UniqueFd high(::fcntl(channel, F_DUPFD, 10));
  const UniqueFd high_root(::fcntl(root, F_DUPFD, 10));
  const UniqueFd high_control(control < 0 ? -1 : ::fcntl(control, F_DUPFD, 10));
  ::dup2(high.get(), channel_fd);
  ::dup2(high_root.get(), folders_fd);
  if (high_control.is_open()) ::dup2(high_control.get(), orders_fd);
  ::close_range(high_control.is_open() ? orders_fd + 1 : folders_fd + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  // What is freed is free, for tests that look at its memory.
  const char* const options = ::getenv("ASAN_OPTIONS");
  ::setenv("ASAN_OPTIONS", concat(options == nullptr ? "" : options, ":quarantine_size_mb=1").c_str(), 1);
  std::array<char*, 3> words{const_cast<char*>(FILESERVER_PROGRAM), const_cast<char*>(word), nullptr};
  ::execveat(high_program.get(), "", words.data(), environ, AT_EMPTY_PATH);
  ::_exit(127);
}

// The same within a process of the test, not confined.
[[noreturn]] inline void run_server(UniqueFd root, UniqueFd channel, std::size_t known_files) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto loop = *linux_::EventLoop::create();
  Setup setup{.root = std::move(root), .known_files = known_files};
  const auto server = *Server::create(*loop, std::move(channel), std::move(setup), [](const auto&) {});
  (void)loop->run();
  ::_exit(0);
}

inline void end_server(pid_t& server) {
  if (server <= 0) return;
  ::kill(server, SIGKILL);
  ::waitpid(std::exchange(server, -1), nullptr, 0);
}

// Nothing, or why a folder cannot be served as a user of this host.
inline const char* why_not_as_a_user() {
#ifdef BOXLITE_THREAD_SANITIZER
  return "ThreadSanitizer's thread is one too many for a user namespace";
#else
  return nullptr;
#endif
}

// Server and bridge are other processes: a page fault that waits for them keeps all of its own process's
// threads from mapping memory.
class MountedFolder {
 public:
  // `known_files`: how many the guest may know; 0: as many as ever. `host_user`: who shares the folder; one
  // that is not root has what the box says of owners kept beside.
  explicit MountedFolder(const FolderRules& rules = {}, bool takes_orders = false,
                         std::size_t known_files = 0, uid_t host_user = 0)
      : name_(folder_name(0, rules)) {
    place_.emplace(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-folder-"));
    std::filesystem::create_directories(host());
    EXPECT_EQ(::chown(host().c_str(), host_user, host_user), 0);
    std::filesystem::create_directory(mount_point());
    const auto device = *open_file("/dev/fuse", O_RDWR);
    const auto options =
        concat("fd=", device.get(), ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other");
    auto ends = *linux_::unix_socket_pair();
    auto orders = *linux_::unix_socket_pair();
    server_ = ::fork();
    if (server_ == 0 && takes_orders) keep_servers(ends.first.get(), orders.second.get());
    if (server_ == 0 && known_files > 0) run_server(open_root(), std::move(ends.first), known_files);
    if (server_ == 0) become_server(open_root().get(), ends.first.get(), -1, nullptr, host_user);
    orders_ = std::move(orders.first);
    if (::mount("folder", mount_point().c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      ADD_FAILURE() << "mount: " << errno;
    // The device can be read once there is a file system.
    bridge_ = ::fork();
    if (bridge_ == 0) carry(device.get(), ends.second.get());
  }
  MountedFolder(const MountedFolder&) = delete;
  MountedFolder& operator=(const MountedFolder&) = delete;
  ~MountedFolder() {
    ::umount2(mount_point().c_str(), MNT_DETACH);
    kill_server();
    // It ends what waits for the server, and then itself.
    ::waitpid(bridge_, nullptr, 0);
  }
  // What is asked for fails then.
  void kill_server() { end_server(server_); }

  pid_t server() const { return server_; }
  pid_t bridge() const { return bridge_; }

  // With `takes_orders`: the server ends, and nobody answers, until another one goes on with its state.
  void suspend() const { EXPECT_TRUE(is_done('s')); }
  void resume() const { EXPECT_TRUE(is_done('r')); }

  std::filesystem::path host() const { return place_->path() / "root" / name_; }
  std::filesystem::path box() const { return mount_point() / name_; }

 private:
  std::filesystem::path mount_point() const { return place_->path() / "mnt"; }

  UniqueFd open_root() const { return *open_file(place_->path() / "root", O_PATH | O_DIRECTORY); }
  bool is_done(char order) const {
    char answer = 0;
    return ::write(orders_.get(), &order, 1) == 1 && ::read(orders_.get(), &answer, 1) == 1 && answer == 'y';
  }
  // Starts servers, one after the other, in a process that has no file of the folder open: the end of one
  // would ask the server that it is to become.
  [[noreturn]] void keep_servers(int channel, int orders) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::string state;
    UniqueFd control;
    pid_t server = start_server(channel, control, orders_word);
    for (char order = 0; ::read(orders, &order, 1) == 1;) {
      bool is_done = false;
      if (order == 's') {
        (void)!::write(control.get(), &suspend_order, 1);
        state = read_all(control.get(), "state", max_state_bytes).value_or("");
        int status = -1;
        ::waitpid(server, &status, 0);
        is_done = status == 0 && state.size() > sizeof(std::uint64_t);
      } else {
        server = start_server(channel, control, resume_word);
        is_done = write_all(control.get(), state, "state").has_value();
      }
      (void)!::write(orders, is_done ? "y" : "n", 1);
    }
    ::_exit(0);
  }
  pid_t start_server(int channel, UniqueFd& control, std::string_view word) const {
    auto ends = *linux_::unix_socket_pair();
    const pid_t server = ::fork();
    if (server == 0) become_server(open_root().get(), channel, ends.second.get(), word.data());
    control = std::move(ends.first);
    return server;
  }
  [[noreturn]] void carry(int device_fd, int stream_fd) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    UniqueFd device(::fcntl(device_fd, F_DUPFD, 10));
    UniqueFd stream(::fcntl(stream_fd, F_DUPFD, 10));
    // The server's end of the stream is not kept open here.
    ::close_range(3, 9, 0);
    const auto place = *open_file(mount_point(), O_PATH | O_DIRECTORY);
    fuse::Bridge bridge(*fuse::join(std::move(device), std::move(stream), place.get()));
    fuse::run_and_repeat(bridge, mount_point());
    ::_exit(0);
  }

  std::string name_;
  std::optional<TempDir> place_;
  pid_t server_ = -1;
  pid_t bridge_ = -1;
  UniqueFd orders_;
};

// A test with such a folder.
class FolderFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    folder_.emplace();
  }
  std::filesystem::path host(const char* name) const { return folder_->host() / name; }
  std::filesystem::path box(const char* name) const { return folder_->box() / name; }

  std::optional<MountedFolder> folder_;
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline void put(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace boxlite::fileserver
