// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fileserver/nodes/owners.h"
#include "jail/shared_folders.h"
#include "linux/process/child_process.h"
#include "shimlink/shim_config.h"
#include "wire/messages.h"

namespace boxlite::shim {

// What of the host the box has at the moment: at its start what the config says, then what was attached and
// detached. Stays as it is when the machine is started again. One thread.
class Folders {
 public:
  // Enters the shim's own namespaces, and hides the process; it has one thread. Where the host does not allow
  // that, an error when there are folders to share, and otherwise a box that cannot get any.
  static Result<Folders> prepare(const shimlink::ShimConfig& config);

  // A machine asks for its folders by this channel from now on; the file server of the one before it ends.
  Result<void> serve(UniqueFd channel);
  // Adds the box's folders to the mounts of its container, outer places before inner ones.
  void add_mounts(wire::msg::ContainerSpec& container) const;

  // Of folders that are attached from now on.
  void set_owner(const shimlink::FolderOwner& owner) { owner_ = owner; }
  // The folder appears in the share; the result tells the guest about it. already_exists when there is one at
  // that place.
  Result<wire::msg::Mount> attach(const shimlink::Folder& folder);
  // not_found when nothing was attached there. For after the guest has let go of it.
  Result<void> detach(std::string_view box_path);
  bool has(std::string_view box_path) const;
  // The guest knows no paths of the host: an error about a place in the box gets what was to be there.
  Error explain(Error error) const;
  bool is_empty() const { return entries_.empty(); }

 private:
  struct Entry {
    shimlink::Folder folder;
    std::string name;  // in the share; never used twice
  };
  Folders() = default;
  Result<void> create_place(const shimlink::ShimConfig& config);
  Result<void> start_server();
  fileserver::FolderRules rules_of(const shimlink::Folder& folder) const;
  static wire::msg::Mount mount_of(const Entry& entry);

  std::filesystem::path program_;
  shimlink::FolderOwner owner_;
  std::optional<jail::SharedFolders> place_;
  UniqueFd channel_;  // until there is something to serve
  std::optional<linux_::ChildProcess> server_;
  std::optional<Error> why_none_;
  std::vector<Entry> entries_;
  unsigned next_name_ = 0;
};

}  // namespace boxlite::shim
