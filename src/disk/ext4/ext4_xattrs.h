// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "disk/file_tree.h"

namespace boxlite::disk {

// Bytes of an inode's record behind its own fields.
inline constexpr std::size_t xattr_bytes_in_inode = 96;

// The extended attributes of an inode as they lie on the disk.
struct XattrLayout {
  std::string in_inode;  // xattr_bytes_in_inode, or empty
  std::string block;     // one whole block, its checksum still to be set, or empty
};

// Small ones go into the inode, what is left into the block: more than that is resource_exhausted. A value
// that the kernel would not take is corrupted; both name the attribute. What Linux has no place for is left
// out: other systems' namespaces, `user.` of anything but files and directories, and ACLs of symlinks.
Result<XattrLayout> lay_out_xattrs(const Inode& inode);

}  // namespace boxlite::disk
