// SPDX-License-Identifier: Apache-2.0
// For tests: a directory of this host, served to this host's kernel, which is a FUSE client that nobody of us
// wrote.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "fileserver/folder_name.h"
#include "fileserver/server.h"
#include "fuse/bridge.h"
#include "fuse/repeater.h"
#include "linux/event_loop.h"
#include "linux/unix_socket.h"

namespace boxlite::fileserver {

// The mounts of this test are its own. Before any thread is made.
inline bool enter_mount_namespace() {
  static const bool entered =
      ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return entered;
}

// Server and bridge are another process: a page fault that waits for them keeps all of its own process's
// threads from mapping memory.
class MountedFolder {
 public:
  explicit MountedFolder(const FolderRules& rules = {}) : name_(folder_name(0, rules)) {
    place_.emplace(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-folder-"));
    std::filesystem::create_directories(host());
    std::filesystem::create_directory(mount_point());
    const auto device = *open_file("/dev/fuse", O_RDWR);
    const auto options = concat("fd=", device.get(),
                                ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other");
    server_ = ::fork();
    if (server_ == 0) serve(device.get());
    if (::mount("folder", mount_point().c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      ADD_FAILURE() << "mount: " << errno;
  }
  MountedFolder(const MountedFolder&) = delete;
  MountedFolder& operator=(const MountedFolder&) = delete;
  ~MountedFolder() {
    ::umount2(mount_point().c_str(), MNT_DETACH);
    kill_server();
  }
  // What is asked for fails then.
  void kill_server() {
    if (server_ <= 0) return;
    ::kill(server_, SIGKILL);
    ::waitpid(std::exchange(server_, -1), nullptr, 0);
  }

  std::filesystem::path host() const { return place_->path() / "root" / name_; }
  std::filesystem::path box() const { return mount_point() / name_; }

 private:
  std::filesystem::path mount_point() const { return place_->path() / "mnt"; }

  [[noreturn]] void serve(int device_fd) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::umask(0);
    auto ends = *linux_::unix_socket_pair();
    const auto loop = *linux_::EventLoop::create();
    Setup setup;
    setup.root = *open_file(place_->path() / "root", O_PATH | O_DIRECTORY);
    setup.may_give_away = true;
    const auto server =
        *Server::create(*loop, std::move(ends.first), std::move(setup), [](Result<void>) { ::_exit(0); });
    std::thread bridge([device = UniqueFd(device_fd), stream = std::move(ends.second), place = mount_point()]() mutable {
      fuse::Bridge carried(std::move(device), std::move(stream));
      fuse::run_and_repeat(carried, place);
    });
    (void)loop->run();
    ::_exit(1);
  }

  std::string name_;
  std::optional<TempDir> place_;
  pid_t server_ = -1;
};

}  // namespace boxlite::fileserver
