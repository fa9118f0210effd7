// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <ext2fs/ext2fs.h>

namespace boxlite::disk {

// The checksums of blocks that belong to an inode, each put into the end of its block. libext2fs has them
// too, but reads the inode from the disk for them, and then keeps that block of the inode table, which is not
// its own to write, in its cache.
class BlockSeal {
 public:
  BlockSeal(ext2_filsys fs, std::uint32_t inode);

  // Names of a directory, with a tail.
  void names(char* block) const;
  // A node of a hashed directory whose table begins at `entries_at` with its limit and count.
  void index(char* block, std::size_t entries_at) const;
  // A node of an extent tree.
  void extents(char* block) const;

 private:
  std::uint32_t seed_;
};

}  // namespace boxlite::disk
