// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/ext4/ext4_file_system.h"
#include "disk/file_tree.h"

namespace boxlite::disk {

using InodeRecord = std::array<char, 256>;

// Where an inode's blocks that are no content go: takes a block and writes it, and says where it lies.
struct BlockStore {
  std::function<Result<std::uint64_t>()> take;
  std::function<Result<void>(std::uint64_t block, std::string_view bytes)> write;
};

// The record of `inode`, complete with its extended attributes and checksummed. Deep extent trees (more than
// four runs) and attributes that find no room in it put blocks into `store`.
Result<InodeRecord> inode_record(ext2_filsys fs, const Inode& inode, bool is_indexed, BlockStore& store);

}  // namespace boxlite::disk
