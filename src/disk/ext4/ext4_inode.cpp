// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/ext4_inode.h"

#include <algorithm>
#include <cstring>

#include <ext2fs/ext3_extents.h>

#include "base/concat.h"
#include "disk/ext4/block_seal.h"
#include "disk/ext4/ext4_xattrs.h"

namespace boxlite::disk {
namespace {

constexpr std::uint32_t max_extent_blocks = 32'768;
constexpr std::size_t extents_in_inode = 4;
constexpr std::size_t extents_in_block =
    (ext4_block_bytes - sizeof(ext3_extent_header) - 4) / sizeof(ext3_extent);
constexpr std::uint64_t max_file_blocks = UINT32_MAX;
constexpr std::size_t fast_symlink = 60;  // i_block with its final zero
constexpr std::uint32_t max_subdirectories = 65'000;
constexpr std::uint16_t extra_bytes = 32;  // of the fields that ext2's inodes of 128 bytes did not have

struct Node {
  std::uint32_t first;
  std::uint64_t block;
};

std::uint16_t type_bits(EntryKind kind) {
  switch (kind) {
    case EntryKind::file:
    case EntryKind::hard_link: return LINUX_S_IFREG;
    case EntryKind::directory: return LINUX_S_IFDIR;
    case EntryKind::symlink: return LINUX_S_IFLNK;
    case EntryKind::char_device: return LINUX_S_IFCHR;
    case EntryKind::block_device: return LINUX_S_IFBLK;
    case EntryKind::fifo: return LINUX_S_IFIFO;
  }
  return 0;
}

// Runs in the pieces that one extent can describe.
std::vector<ext3_extent> extents_of(const std::vector<BlockRun>& runs) {
  std::vector<ext3_extent> extents;
  for (BlockRun run : runs) {
    while (run.count > 0) {
      const std::uint64_t count = std::min<std::uint64_t>(run.count, max_extent_blocks);
      ext3_extent extent{};
      extent.ee_block = static_cast<std::uint32_t>(run.logical);
      extent.ee_len = static_cast<std::uint16_t>(count);
      extent.ee_start = static_cast<std::uint32_t>(run.physical);
      extent.ee_start_hi = static_cast<std::uint16_t>(run.physical >> 32);
      extents.push_back(extent);
      run = {run.logical + count, run.physical + count, run.count - count};
    }
  }
  return extents;
}

ext3_extent_header header_of(std::size_t entries, std::size_t limit, std::size_t depth) {
  ext3_extent_header header{};
  header.eh_magic = EXT3_EXT_MAGIC;
  header.eh_entries = static_cast<std::uint16_t>(entries);
  header.eh_max = static_cast<std::uint16_t>(limit);
  header.eh_depth = static_cast<std::uint16_t>(depth);
  return header;
}

// The tree grows from the leaves up; what fits into the inode is its root.
class ExtentTree {
 public:
  ExtentTree(ext2_filsys fs, std::uint32_t inode, BlockStore& store) : seal_(fs, inode), store_(store) {}

  Result<void> build(const std::vector<BlockRun>& runs, char* root) {
    const std::vector<ext3_extent> extents = extents_of(runs);
    if (extents.size() <= extents_in_inode) {
      put(root, header_of(extents.size(), extents_in_inode, 0), extents.data(), extents.size());
      return {};
    }
    std::vector<Node> nodes;
    for (std::size_t at = 0; at < extents.size(); at += extents_in_block) {
      const std::size_t count = std::min(extents_in_block, extents.size() - at);
      const auto block = BOXLITE_TRY(write_block(&extents[at], count, 0));
      nodes.push_back({extents[at].ee_block, block});
    }
    std::size_t depth = 1;
    for (; nodes.size() > extents_in_inode; ++depth) nodes = BOXLITE_TRY(level_above(nodes, depth));
    const std::vector<ext3_extent_idx> top = indexes(nodes);
    put(root, header_of(top.size(), extents_in_inode, depth), top.data(), top.size());
    return {};
  }
  std::uint64_t blocks() const { return blocks_; }

 private:
  static_assert(sizeof(ext3_extent) == sizeof(ext3_extent_idx));

  static std::vector<ext3_extent_idx> indexes(const std::vector<Node>& nodes) {
    std::vector<ext3_extent_idx> out;
    for (const Node& node : nodes) {
      ext3_extent_idx index{};
      index.ei_block = node.first;
      index.ei_leaf = static_cast<std::uint32_t>(node.block);
      index.ei_leaf_hi = static_cast<std::uint16_t>(node.block >> 32);
      out.push_back(index);
    }
    return out;
  }

  static void put(char* at, const ext3_extent_header& header, const void* entries, std::size_t count) {
    std::memcpy(at, &header, sizeof header);
    if (count > 0) std::memcpy(at + sizeof header, entries, count * sizeof(ext3_extent));
  }

  Result<std::uint64_t> write_block(const void* entries, std::size_t count, std::size_t depth) {
    alignas(8) std::array<char, ext4_block_bytes> block{};
    put(block.data(), header_of(count, extents_in_block, depth), entries, count);
    seal_.extents(block.data());
    const std::uint64_t where = BOXLITE_TRY(store_.take());
    BOXLITE_TRY(store_.write(where, {block.data(), block.size()}));
    ++blocks_;
    return where;
  }

  Result<std::vector<Node>> level_above(const std::vector<Node>& nodes, std::size_t depth) {
    const std::vector<ext3_extent_idx> entries = indexes(nodes);
    std::vector<Node> above;
    for (std::size_t at = 0; at < entries.size(); at += extents_in_block) {
      const std::size_t count = std::min(extents_in_block, entries.size() - at);
      const auto block = BOXLITE_TRY(write_block(&entries[at], count, depth));
      above.push_back({entries[at].ei_block, block});
    }
    return above;
  }

  BlockSeal seal_;
  BlockStore& store_;
  std::uint64_t blocks_ = 0;
};

// 34 bits of seconds around 1970: 32 in the old field, 2 beside the nanoseconds.
void put_time(FileTime time, std::uint32_t& low, std::uint32_t& extra) {
  constexpr std::int64_t earliest = INT32_MIN;
  constexpr std::int64_t latest = (std::int64_t{3} << 32) + INT32_MAX;
  const std::int64_t seconds = std::clamp(time.seconds, earliest, latest);
  low = static_cast<std::uint32_t>(seconds);
  const auto epoch = static_cast<std::uint32_t>((seconds - static_cast<std::int32_t>(low)) >> 32) & 3u;
  extra = (seconds == time.seconds ? time.nanoseconds << 2 : 0) | epoch;
}

std::uint16_t link_count(const Inode& inode) {
  if (!inode.is_directory()) return static_cast<std::uint16_t>(inode.links);
  std::uint32_t count = 2;
  for (const auto& [name, link] : inode.children) count += link.inode->is_directory() ? 1u : 0u;
  return static_cast<std::uint16_t>(count < max_subdirectories ? count : 1);
}

Result<void> put_device(const Inode& inode, ext2_inode_large& record) {
  const std::uint32_t major = inode.device_major;
  const std::uint32_t minor = inode.device_minor;
  if (major >= (1u << 12) || minor >= (1u << 20)) {
    return fail(ErrorCode::corrupted, concat("device number ", major, ":", minor, " is out of range"));
  }
  if (major < 256 && minor < 256) {
    record.i_block[0] = major << 8 | minor;
  } else {
    record.i_block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
  }
  return {};
}

// How many blocks it takes.
Result<std::uint64_t> put_content(ext2_filsys fs, const Inode& inode, BlockStore& store,
                                  ext2_inode_large& record) {
  if (inode.kind == EntryKind::char_device || inode.kind == EntryKind::block_device) {
    BOXLITE_TRY(put_device(inode, record));
    return 0;
  }
  if (inode.kind == EntryKind::fifo) return 0;
  if (inode.kind == EntryKind::symlink && inode.symlink_target.size() < fast_symlink) {
    std::memcpy(record.i_block, inode.symlink_target.data(), inode.symlink_target.size());
    return 0;
  }
  ExtentTree tree(fs, inode.number, store);
  BOXLITE_TRY(tree.build(inode.runs, reinterpret_cast<char*>(record.i_block)));
  record.i_flags |= EXT4_EXTENTS_FL;
  std::uint64_t blocks = tree.blocks();
  for (const BlockRun& run : inode.runs) blocks += run.count;
  return blocks;
}

// Into the record, and a block of their own when they do not fit. How many blocks they take.
Result<std::uint64_t> put_xattrs(ext2_filsys fs, const Inode& inode, BlockStore& store, InodeRecord& record) {
  if (inode.xattrs.empty()) return 0;
  XattrLayout layout = BOXLITE_TRY(lay_out_xattrs(inode));
  static_assert(EXT2_GOOD_OLD_INODE_SIZE + extra_bytes + xattr_bytes_in_inode == sizeof(InodeRecord));
  std::memcpy(record.data() + EXT2_GOOD_OLD_INODE_SIZE + extra_bytes, layout.in_inode.data(),
              layout.in_inode.size());
  if (layout.block.empty()) return 0;
  const std::uint64_t where = BOXLITE_TRY(store.take());
  const errcode_t code = ext2fs_ext_attr_block_csum_set(
      fs, inode.number, where, reinterpret_cast<ext2_ext_attr_header*>(layout.block.data()));
  if (code != 0) return fail(ext2_error("checksum extended attributes", code));
  BOXLITE_TRY(store.write(where, layout.block));
  auto& fields = *reinterpret_cast<ext2_inode_large*>(record.data());
  fields.i_file_acl = static_cast<std::uint32_t>(where);
  fields.osd2.linux2.l_i_file_acl_high = static_cast<std::uint16_t>(where >> 32);
  return 1;
}

void put_block_count(std::uint64_t blocks, ext2_inode_large& record) {
  const std::uint64_t sectors = blocks * (ext4_block_bytes / 512);
  record.i_blocks = static_cast<std::uint32_t>(sectors);
  record.osd2.linux2.l_i_blocks_hi = static_cast<std::uint16_t>(sectors >> 32);
}

}  // namespace

Result<InodeRecord> inode_record(ext2_filsys fs, const Inode& inode, bool is_indexed, BlockStore& store) {
  if (inode.size / ext4_block_bytes >= max_file_blocks) {
    return fail(ErrorCode::resource_exhausted, "a file is larger than ext4's limit of 16 TiB");
  }
  alignas(8) InodeRecord bytes{};
  auto& record = *reinterpret_cast<ext2_inode_large*>(bytes.data());
  record.i_mode = static_cast<std::uint16_t>(type_bits(inode.kind) | inode.mode);
  record.i_uid = static_cast<std::uint16_t>(inode.uid);
  record.osd2.linux2.l_i_uid_high = static_cast<std::uint16_t>(inode.uid >> 16);
  record.i_gid = static_cast<std::uint16_t>(inode.gid);
  record.osd2.linux2.l_i_gid_high = static_cast<std::uint16_t>(inode.gid >> 16);
  const std::uint64_t size = inode.kind == EntryKind::symlink ? inode.symlink_target.size() : inode.size;
  record.i_size = static_cast<std::uint32_t>(size);
  record.i_size_high = static_cast<std::uint32_t>(size >> 32);
  record.i_links_count = link_count(inode);
  record.i_flags = is_indexed ? EXT2_INDEX_FL : 0;
  record.i_extra_isize = extra_bytes;
  put_time(inode.accessed, record.i_atime, record.i_atime_extra);
  put_time(inode.modified, record.i_mtime, record.i_mtime_extra);
  put_time(inode.modified, record.i_ctime, record.i_ctime_extra);
  put_time(inode.modified, record.i_crtime, record.i_crtime_extra);
  const std::uint64_t content_blocks = BOXLITE_TRY(put_content(fs, inode, store, record));
  put_block_count(content_blocks + BOXLITE_TRY(put_xattrs(fs, inode, store, bytes)), record);
  const errcode_t code = ext2fs_inode_csum_set(fs, inode.number, &record);
  if (code != 0) return fail(ext2_error("checksum an inode", code));
  return bytes;
}

}  // namespace boxlite::disk
