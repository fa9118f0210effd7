// SPDX-License-Identifier: Apache-2.0
// Mounts by descriptor (fsopen, fsmount, open_tree, move_mount): a target is a descriptor that was resolved
// with care, not a path that a symlink could bend.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// An option of a file system: {"mode", "0755"}; an empty value makes it a flag.
using MountOption = std::pair<std::string, std::string>;

// A new mount of `type` that is not attached anywhere yet; gone when the descriptor closes before
// attach_mount(). `attributes`: MOUNT_ATTR_RDONLY and so on. The kernel's own explanation is part of the
// error.
Result<UniqueFd> new_mount(const std::string& type, std::initializer_list<MountOption> options,
                           std::uint64_t attributes);
// A copy of the mount at `source_fd` with all that is mounted below it, not attached yet.
Result<UniqueFd> clone_mount(int source_fd);
// Adds attributes to the mount, without those below it.
Result<void> add_mount_attributes(int mount_fd, std::uint64_t attributes);
// The same with those below it, all of which are cut off from the propagation of mounts.
Result<void> seal_mounts(int mount_fd, std::uint64_t attributes);
// Of the file system that is mounted at `mount_fd`, the root of a mount in any mount namespace.
Result<void> change_mount_option(int mount_fd, const MountOption& option);
// On top of `target_fd`, a directory or a file.
Result<void> attach_mount(int mount_fd, int target_fd);

// openat2(2) with RESOLVE_IN_ROOT: `root_fd` is "/" to every symlink and every "..".
Result<UniqueFd> open_in_root(int root_fd, const std::string& path, int flags, unsigned mode = 0);
// Opens (O_PATH) a directory in the root, with every missing part of the path made (mode 0755).
Result<UniqueFd> open_or_make_directory(int root_fd, std::string_view path);
// Opens (O_PATH) what `path` names in the root; an empty file is made when there is nothing, at the end of a
// dangling symlink too.
Result<UniqueFd> open_or_make_file(int root_fd, const std::string& path);

}  // namespace boxlite::linux_
