// SPDX-License-Identifier: Apache-2.0
// For tests: a directory of this host, served to this host's kernel, which is a FUSE client that nobody of us
// wrote.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

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

class MountedFolder {
 public:
  explicit MountedFolder(const FolderRules& rules = {}) : name_(folder_name(0, rules)) {
    place_.emplace(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-folder-"));
    std::filesystem::create_directories(host());
    std::filesystem::create_directory(mount_point());
    auto ends = *linux_::unix_socket_pair();
    loop_ = *linux_::EventLoop::create();
    Setup setup;
    setup.root = *open_file(place_->path() / "root", O_PATH | O_DIRECTORY);
    setup.may_give_away = true;
    server_ = *Server::create(*loop_, std::move(ends.first), std::move(setup),
                              [this](Result<void>) { loop_->stop(); });
    thread_ = std::thread([this] { (void)loop_->run(); });
    auto device = *open_file("/dev/fuse", O_RDWR);
    const auto options = concat("fd=", device.get(),
                                ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other");
    if (::mount("folder", mount_point().c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      ADD_FAILURE() << "mount: " << errno;
    bridge_ = std::thread([device = std::move(device), stream = std::move(ends.second), place = mount_point()]() mutable {
      fuse::Bridge bridge(std::move(device), std::move(stream));
      fuse::run_and_repeat(bridge, place);
    });
  }
  MountedFolder(const MountedFolder&) = delete;
  MountedFolder& operator=(const MountedFolder&) = delete;
  ~MountedFolder() {
    ::umount2(mount_point().c_str(), MNT_DETACH);
    loop_->post([this] { server_.reset(); loop_->stop(); });
    thread_.join();
    bridge_.join();
  }

  std::filesystem::path host() const { return place_->path() / "root" / name_; }
  std::filesystem::path box() const { return mount_point() / name_; }

 private:
  std::filesystem::path mount_point() const { return place_->path() / "mnt"; }

  std::string name_;
  std::optional<TempDir> place_;
  std::unique_ptr<linux_::EventLoop> loop_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::thread bridge_;
};

}  // namespace boxlite::fileserver
