// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <ext2fs/ext2fs.h>

#include "base/result.h"
#include "disk/file_tree.h"

namespace boxlite::disk {

// The blocks of a directory whose children have their inode numbers: one linear block while the names fit,
// else a hashed tree, as the kernel would have grown. `is_indexed` says which.
struct DirectoryBlocks {
  std::string bytes;
  bool is_indexed = false;
};
Result<DirectoryBlocks> directory_blocks(ext2_filsys fs, const Inode& directory, std::uint32_t parent_number);

}  // namespace boxlite::disk
