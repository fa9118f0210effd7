// SPDX-License-Identifier: Apache-2.0
// Folders of the host in the box. The shares of the shared-folder devices are mounted in the agent's own
// mount namespace, once they are needed; the container gets bind mounts of what is in them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/container.h"
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
  // Mounts the shares that these mounts come from.
  Result<void> mount_shares(const google::protobuf::RepeatedPtrField<wire::msg::Mount>& mounts);

  Result<wire::msg::AddFolderResponse> add(const Container& container,
                                           const wire::msg::AddFolderRequest& request);
  Result<wire::msg::RemoveFolderResponse> remove(const Container& container,
                                                 const wire::msg::RemoveFolderRequest& request) const;
  // Whether any but volumes are mounted.
  bool has_folders() const { return has_folders_; }
  // Writes back what is still in memory.
  void unmount_shares();

 private:
  Result<void> mount_share(const wire::msg::Mount& mount);
  std::set<std::string> mounted_;
  bool has_folders_ = false;
};

// In the agent's mount namespace or a copy of it, with the box's disk on root_dir.
Result<DetachedMount> detached_mount(const wire::msg::Mount& mount);
// In the container's mount namespace; `root_fd` is its root. What is missing of the target is made, and no
// symlink leads out.
Result<void> attach(int root_fd, const DetachedMount& mount);

}  // namespace boxlite::agent
