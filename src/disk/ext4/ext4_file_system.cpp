// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/ext4_file_system.h"

#include <cstring>

#include "base/concat.h"

namespace boxlite::disk {
namespace {

static_assert(std::endian::native == std::endian::little,
              "inode and directory records are written as they lie in memory");

// Any constant does that lies in the past: images must not differ by the minute they were built in.
constexpr std::uint32_t build_time = 1'577'836'800;  // 2020-01-01
constexpr std::uint32_t bytes_per_inode = 16'384;
constexpr std::uint32_t inode_bytes = 256;
constexpr std::uint16_t extra_inode_bytes = 32;

Result<void> check(errcode_t code, std::string_view what) {
  if (code == 0) return {};
  return fail(ext2_error(what, code));
}

ext2_super_block layout_of(std::uint64_t size_bytes) {
  ext2_super_block super{};
  const std::uint64_t blocks = size_bytes / ext4_block_bytes;
  super.s_rev_level = EXT2_DYNAMIC_REV;
  super.s_log_block_size = 2;
  super.s_log_cluster_size = 2;
  ext2fs_blocks_count_set(&super, blocks);
  super.s_inodes_count =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(size_bytes / bytes_per_inode, UINT32_MAX - 65536));
  super.s_inode_size = inode_bytes;
  super.s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
  super.s_log_groups_per_flex = 4;
  // resize_inode keeps room for group descriptors, so that the guest can grow the disk while it is mounted.
  super.s_feature_compat =
      EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX | EXT2_FEATURE_COMPAT_EXT_ATTR;
  super.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |
                             EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_64BIT;
  super.s_feature_ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
                              EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |
                              EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
  return super;
}

void set_identity(ext2_filsys fs, const FileSystemId& id) {
  ext2_super_block& super = *fs->super;
  std::memcpy(super.s_uuid, id.data(), id.size());
  std::memcpy(super.s_hash_seed, id.data(), id.size());
  super.s_checksum_type = EXT2_CRC32C_CHKSUM;
  super.s_def_hash_version = EXT2_HASH_HALF_MD4;
  super.s_flags |= EXT2_FLAGS_SIGNED_HASH;
  super.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
  super.s_min_extra_isize = super.s_want_extra_isize = extra_inode_bytes;
  super.s_max_mnt_count = -1;
  super.s_checkinterval = 0;
  super.s_mkfs_time = super.s_lastcheck = super.s_wtime = build_time;
  super.s_mkfs_time_hi = super.s_lastcheck_hi = super.s_wtime_hi = 0;
  fs->now = build_time;
  ext2fs_init_csum_seed(fs);
}

Result<void> add_system_inodes(ext2_filsys fs) {
  BOXLITE_TRY(check(ext2fs_allocate_tables(fs), "lay out the file system"));
  for (ext2_ino_t inode = EXT2_BAD_INO; inode < ext4_first_inode; ++inode) {
    ext2fs_inode_alloc_stats2(fs, inode, +1, inode == EXT2_ROOT_INO ? 1 : 0);
  }
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
    ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_ZEROED);
    ext2fs_group_desc_csum_set(fs, group);
  }
  BOXLITE_TRY(check(ext2fs_create_resize_inode(fs), "reserve room to grow"));
  ext2fs_journal_params journal{};
  journal.num_journal_blocks =
      static_cast<blk_t>(ext2fs_default_journal_size(ext2fs_blocks_count(fs->super)));
  return check(
      ext2fs_add_journal_inode3(fs, &journal, ~0ULL, EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK),
      "make the journal");
}

}  // namespace

Error ext2_error(std::string_view what, errcode_t code) {
  if (code > 0 && code < 4096) return syscall_error(what, "disk image", static_cast<int>(code));
  if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL || code == EXT2_ET_TOOSMALL) {
    return Error(ErrorCode::resource_exhausted, concat(what, ": the disk is too small"))
        .with_remedy("ask for a larger disk size");
  }
  if (code == EXT2_ET_NO_MEMORY) return {ErrorCode::resource_exhausted, concat(what, ": out of memory")};
  if (code == EXT2_ET_SHORT_WRITE) {
    return Error(ErrorCode::resource_exhausted, concat(what, ": the disk image could not be written in full"))
        .with_remedy("free some disk space");
  }
  return {ErrorCode::internal, concat(what, ": ", error_message(code))};
}

Result<Ext4FileSystem> Ext4FileSystem::create(const std::filesystem::path& file, std::uint64_t size_bytes,
                                              const FileSystemId& id) {
  std::error_code problem;
  std::filesystem::resize_file(file, size_bytes, problem);
  if (problem) return fail(syscall_error("truncate", file.native(), problem.value()));
  ext2_super_block layout = layout_of(size_bytes);
  ext2_filsys fs = nullptr;
  BOXLITE_TRY(check(ext2fs_initialize(file.c_str(), EXT2_FLAG_64BITS, &layout, unix_io_manager, &fs),
                    "lay out the file system"));
  Ext4FileSystem made(fs);
  set_identity(fs, id);
  BOXLITE_TRY(add_system_inodes(fs));
  return made;
}

Ext4FileSystem::~Ext4FileSystem() {
  if (handle_ == nullptr) return;
  // Reached after an error only: the file will be deleted, so nothing is worth writing.
  handle_->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED | EXT2_FLAG_BB_DIRTY | EXT2_FLAG_IB_DIRTY);
  ext2fs_free(handle_);
}

std::vector<BlockRange> Ext4FileSystem::free_ranges() const {
  std::vector<BlockRange> ranges;
  const blk64_t end = ext2fs_blocks_count(handle_->super) - 1;
  for (blk64_t from = handle_->super->s_first_data_block; from <= end;) {
    blk64_t first = 0;
    if (ext2fs_find_first_zero_block_bitmap2(handle_->block_map, from, end, &first) != 0) break;
    blk64_t used = 0;
    if (ext2fs_find_first_set_block_bitmap2(handle_->block_map, first, end, &used) != 0) used = end + 1;
    ranges.push_back({first, used - first});
    from = used;
  }
  return ranges;
}

std::uint32_t Ext4FileSystem::inode_capacity() const {
  return handle_->super->s_inodes_count - (ext4_first_inode - 1);
}

std::uint64_t Ext4FileSystem::inode_offset(std::uint32_t number) const {
  const std::uint32_t per_group = handle_->super->s_inodes_per_group;
  const auto group = static_cast<dgrp_t>((number - 1) / per_group);
  return ext2fs_inode_table_loc(handle_, group) * ext4_block_bytes +
         std::uint64_t{(number - 1) % per_group} * inode_bytes;
}

void Ext4FileSystem::mark_used(BlockRange range) {
  while (range.count > 0) {
    const auto step = static_cast<blk_t>(std::min<std::uint64_t>(range.count, 1u << 30));
    ext2fs_block_alloc_stats_range(handle_, range.start, step, +1);
    range = {range.start + step, range.count - step};
  }
}

void Ext4FileSystem::mark_inode_used(std::uint32_t number, bool is_directory) {
  ext2fs_inode_alloc_stats2(handle_, number, +1, is_directory ? 1 : 0);
}

Result<void> Ext4FileSystem::close() {
  const errcode_t code = ext2fs_close_free(&handle_);
  handle_ = nullptr;
  return check(code, "finish the file system");
}

}  // namespace boxlite::disk
