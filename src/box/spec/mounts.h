// SPDX-License-Identifier: Apache-2.0
// The mounts of a box: which are allowed, and what shim and guest are told about them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "shimlink/shim_config.h"
#include "store/box_table.h"
#include "wire/messages.h"

namespace boxlite::box {

// invalid_argument names what is wrong.
Result<void> check(const Mount& mount);
// Each of them, and all together.
Result<void> check(const std::vector<Mount>& mounts);

// A volume's name: as a box's, at least two characters long.
Result<void> check_volume_name(std::string_view name);

// "/a//b/./c/" as "/a/b/c": two spellings of one place count as one.
std::string tidy_box_path(std::string_view path);

// Makes the sources of bind mounts real paths, once, when somebody names them: later starts follow no symlink
// any more. One in a folder that a box may write is not followed at all (invalid_argument): it may be the
// box's.
Result<void> follow_symlinks(std::vector<Mount>& mounts,
                             const std::vector<std::filesystem::path>& distrusted);
// The folders of the host that some box of the home may write, as they were named.
Result<std::vector<std::filesystem::path>> writable_folders(store::BoxTable& boxes);

// What the shim is to share for the spec's bind mounts and volumes. Volumes lie at `volumes`/<name>. The
// sources of bind mounts must exist, and be real paths (invalid_state).
Result<std::vector<shimlink::Folder>> folders_of(const std::vector<Mount>& mounts,
                                                 const std::filesystem::path& volumes);
Result<shimlink::Folder> folder_of(const Mount& mount, const std::filesystem::path& volumes);

// The sockets of the host that the spec names, in its order; they must be there.
Result<std::vector<std::filesystem::path>> host_sockets_of(const std::vector<Mount>& mounts);
// Their places in the box, by number.
void add_socket_mounts(const std::vector<Mount>& mounts, wire::msg::ContainerSpec& container);

// The others need nothing of the host.
void add_tmpfs_mounts(const std::vector<Mount>& mounts, wire::msg::ContainerSpec& container);
// Those that a service manager wants, but where the box has mounts of its own.
std::vector<Mount> with_systemd_mounts(std::vector<Mount> mounts);

}  // namespace boxlite::box
