// SPDX-License-Identifier: Apache-2.0
// Folders of the host in the box. All of them are in one FUSE file system, which is mounted in the agent's
// own mount namespace once it is needed, and which the host's file server answers for; the container gets
// bind mounts of what is in it.
#pragma once

#include <string>
#include <string_view>

#include "agent/container/container.h"
#include "agent/machine/folder_bridge.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/messages.h"

namespace boxlite::agent {

// A mount that is attached nowhere yet.
struct DetachedMount {
  UniqueFd tree;
  std::string target;
  bool is_directory = true;
};

// Loop thread only.
class Folders {
 public:
  // Whose the host user's files are: name|uid[:group|gid], looked up on the box's disk when it is needed.
  void set_box_user(std::string_view user) { box_user_ = user; }
  // Mounts the file system, if any of these mounts comes from it.
  Result<void> mount_share(const google::protobuf::RepeatedPtrField<wire::msg::Mount>& mounts);

  // Does once what each box with a folder does, for a machine that is about to be saved: before there is a
  // host's folder, with a file system that is gone afterwards.
  Result<void> rehearse();

  Result<wire::msg::AddFolderResponse> add(const Container& container,
                                           const wire::msg::AddFolderRequest& request);
  Result<wire::msg::RemoveFolderResponse> remove(const Container& container,
                                                 const wire::msg::RemoveFolderRequest& request) const;
  // Until all that was written has come to the host; for when no process of the container is left. The kernel
  // takes what was mapped for written as soon as it is on its way.
  void settle() const;
  void unmount_share();

 private:
  Result<void> mount_share();
  // `stream` leads to the server.
  Result<void> mount_share(UniqueFd stream);

  // Whether an answer is outstanding. `place_fd`: the file system's root.
  Result<bool> has_waiting(int place_fd) const;

  // Both stay, and are there already in a machine that was saved.
  FolderBridge bridge_;
  UniqueFd control_;
  std::string box_user_;
  bool is_mounted_ = false;
};

// In the agent's mount namespace or a copy of it, with the box's disk on root_dir.
Result<DetachedMount> detached_mount(const wire::msg::Mount& mount);
// In the container's mount namespace; `root_fd` is its root. What is missing of the target is made, and no
// symlink leads out.
Result<void> attach(int root_fd, const DetachedMount& mount);

}  // namespace boxlite::agent
