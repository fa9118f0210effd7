// SPDX-License-Identifier: Apache-2.0
#include "disk/disk_damage.h"

#include <ext2fs/ext2fs.h>

#include "base/scope_exit.h"
#include "disk/ext4/ext4_file_system.h"

namespace boxlite::disk {
namespace {

// In use by the bitmap, and without a type.
Result<bool> is_lost(ext2_filsys fs, ext2_ino_t number) {
  if (ext2fs_test_inode_bitmap2(fs->inode_map, number) == 0) return false;
  ext2_inode inode{};
  const errcode_t code = ext2fs_read_inode(fs, number, &inode);
  if (code != 0 && code != EXT2_ET_INODE_CSUM_INVALID) return fail(ext2_error("read an inode", code));
  return inode.i_mode == 0;
}

}  // namespace

Result<std::uint64_t> count_lost_files(const std::filesystem::path& disk) {
  ext2_filsys fs = nullptr;
  errcode_t code = ext2fs_open(disk.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
  const ScopeExit close([&] {
    if (fs != nullptr) ext2fs_free(fs);
  });
  if (code == 0) code = ext2fs_read_inode_bitmap(fs);
  if (code != 0) return fail(ext2_error("open a disk", code));
  std::uint64_t lost = 0;
  for (ext2_ino_t number = ext4_first_inode; number <= fs->super->s_inodes_count; ++number) {
    if (BOXLITE_TRY(is_lost(fs, number))) ++lost;
  }
  return lost;
}

}  // namespace boxlite::disk
