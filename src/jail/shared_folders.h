// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::jail {

// One directory that the machine is given, in which directories and single files of the host appear under
// names of ours: bind mounts in the shim's own mount namespace (enter_own_namespaces() first). Nothing else
// can be reached through it, and it cannot be written itself. One thread.
class SharedFolders {
 public:
  // Covers `directory`, which exists, with an empty file system.
  static Result<SharedFolders> create(const std::filesystem::path& directory);

  // `source`: an open (O_PATH) directory or regular file. With what is mounted below it, as Docker does. Read
  // only: the mount is, all of it, so that nothing the guest does can write. already_exists for a name in
  // use.
  Result<void> attach(const std::string& name, int source, bool is_read_only);
  // The name is gone at once; the file server hears of that, and lets go of what it has open there.
  Result<void> detach(const std::string& name);
  // The directory, as whoever serves it sees it.
  int root_fd() const { return root_.get(); }

 private:
  SharedFolders(UniqueFd root, UniqueFd writable) : root_(std::move(root)), writable_(std::move(writable)) {}

  UniqueFd root_;      // what the machine sees; a mount that is read-only
  UniqueFd writable_;  // the same file system by a mount that is not, attached nowhere
};

// What a real path of the host names, to be shared: a directory or a regular file. Symlinks were followed
// when the path was recorded: one that stands there by now may have been put there by a box that writes in
// the folder above, and is refused (invalid_state). not_found; unsupported for sockets, devices and pipes,
// which a guest cannot use.
Result<UniqueFd> open_shareable(const std::filesystem::path& path);

}  // namespace boxlite::jail
