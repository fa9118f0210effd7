// SPDX-License-Identifier: Apache-2.0
// For tests: a directory of this host, served to this host's kernel, which is a FUSE client that nobody of us
// wrote.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
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
#include "fileserver/folder_name.h"
#include "fileserver/program.h"
#include "fuse/bridge.h"
#include "fuse/repeater.h"
#include "linux/unix_socket.h"

namespace boxlite::fileserver {

// The mounts of this test are its own. Before any thread is made.
inline bool enter_mount_namespace() {
  static const bool entered =
      ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return entered;
}

// Server and bridge are other processes: a page fault that waits for them keeps all of its own process's
// threads from mapping memory.
class MountedFolder {
 public:
  explicit MountedFolder(const FolderRules& rules = {}) : name_(folder_name(0, rules)) {
    place_.emplace(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-folder-"));
    std::filesystem::create_directories(host());
    std::filesystem::create_directory(mount_point());
    const auto device = *open_file("/dev/fuse", O_RDWR);
    const auto options =
        concat("fd=", device.get(), ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other");
    auto ends = *linux_::unix_socket_pair();
    server_ = ::fork();
    if (server_ == 0) become_server(ends.first.get());
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
  void kill_server() {
    if (server_ <= 0) return;
    ::kill(server_, SIGKILL);
    ::waitpid(std::exchange(server_, -1), nullptr, 0);
  }

  pid_t server() const { return server_; }

  std::filesystem::path host() const { return place_->path() / "root" / name_; }
  std::filesystem::path box() const { return mount_point() / name_; }

 private:
  std::filesystem::path mount_point() const { return place_->path() / "mnt"; }

  // As the shim starts it, confined.
  [[noreturn]] void become_server(int channel) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto root = *open_file(place_->path() / "root", O_PATH | O_DIRECTORY);
    const UniqueFd high(::fcntl(channel, F_DUPFD, 10));
    const UniqueFd high_root(::fcntl(root.get(), F_DUPFD, 10));
    ::dup2(high.get(), channel_fd);
    ::dup2(high_root.get(), folders_fd);
    ::close_range(folders_fd + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execl(FILESERVER_PROGRAM, FILESERVER_PROGRAM, nullptr);
    ::_exit(127);
  }
  [[noreturn]] void carry(int device_fd, int stream_fd) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    UniqueFd device(::fcntl(device_fd, F_DUPFD, 10));
    UniqueFd stream(::fcntl(stream_fd, F_DUPFD, 10));
    // The server's end of the stream is not kept open here.
    ::close_range(3, 9, 0);
    const auto place = *open_file(mount_point(), O_PATH | O_DIRECTORY);
    auto abort = *fuse::open_abort(place.get());
    fuse::Bridge bridge(std::move(device), std::move(stream), std::move(abort));
    fuse::run_and_repeat(bridge, mount_point());
    ::_exit(0);
  }

  std::string name_;
  std::optional<TempDir> place_;
  pid_t server_ = -1;
  pid_t bridge_ = -1;
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
