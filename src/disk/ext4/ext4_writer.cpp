// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/ext4_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "disk/ext4/ext4_directory.h"
#include "disk/ext4/ext4_inode.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t append_bytes = std::size_t{1} << 20;
constexpr std::size_t block_bytes = ext4_block_bytes;
constexpr std::size_t hole_blocks = 4;  // fewer zero blocks are not worth an extent of their own

Result<void> write_at(int image_fd, const char* bytes, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t done = ::pwrite(image_fd, bytes, size, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(syscall_error("write", "disk image", errno));
    bytes += done;
    size -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

bool is_zero(const char* block) {
  std::uint64_t first = 0;
  std::memcpy(&first, block, sizeof first);
  return first == 0 && std::memcmp(block, block + 8, block_bytes - 8) == 0;
}

void add_run(std::vector<BlockRun>& runs, std::uint64_t logical, BlockRange range) {
  if (!runs.empty()) {
    BlockRun& last = runs.back();
    if (last.logical + last.count == logical && last.physical + last.count == range.start) {
      last.count += range.count;
      return;
    }
  }
  runs.push_back({logical, range.start, range.count});
}

// The first name below `directory` that `wanted` has; for messages.
std::string path_of(const Inode& directory, const Inode& wanted) {
  for (const auto& [name, link] : directory.children) {
    if (link.inode.get() == &wanted) return name;
    if (!link.inode->is_directory()) continue;
    if (const std::string below = path_of(*link.inode, wanted); !below.empty())
      return concat(name, "/", below);
  }
  return {};
}

}  // namespace

BlockAppender::BlockAppender(int image_fd) : image_fd_(image_fd), buffer_(append_bytes) {}

Result<void> BlockAppender::flush() {
  const std::size_t size = std::exchange(used_, 0);
  return write_at(image_fd_, buffer_.data(), size, start_ * block_bytes);
}

Result<void> BlockAppender::move_to(std::uint64_t block) {
  if (used_ > 0 && start_ + used_ / block_bytes == block && used_ < buffer_.size()) return {};
  BOXLITE_TRY(flush());
  start_ = block;
  return {};
}

Result<char*> BlockAppender::block(std::uint64_t block) {
  BOXLITE_TRY(move_to(block));
  char* room = buffer_.data() + used_;
  std::memset(room, 0, block_bytes);
  used_ += block_bytes;
  return room;
}

Result<void> BlockAppender::append(std::uint64_t block, std::string_view whole_blocks) {
  while (!whole_blocks.empty()) {
    BOXLITE_TRY(move_to(block));
    const std::size_t size = std::min(whole_blocks.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, whole_blocks.data(), size);
    used_ += size;
    block += size / block_bytes;
    whole_blocks.remove_prefix(size);
  }
  return {};
}

Ext4Writer::Ext4Writer(UniqueFd image, Ext4FileSystem file_system)
    : image_(std::move(image)),
      file_system_(std::move(file_system)),
      space_(file_system_.free_ranges()),
      appender_(image_.get()) {}

Result<std::unique_ptr<Ext4Writer>> Ext4Writer::create(const std::filesystem::path& file,
                                                       std::uint64_t size_bytes, const FileSystemId& id) {
  UniqueFd image = BOXLITE_TRY(open_file(file, O_RDWR));
  Ext4FileSystem file_system = BOXLITE_TRY(Ext4FileSystem::create(file, size_bytes, id));
  return std::unique_ptr<Ext4Writer>(new Ext4Writer(std::move(image), std::move(file_system)));
}

Result<void> Ext4Writer::begin(Inode& file) {
  open_block_ = nullptr;
  file.runs.clear();
  return {};
}

Result<std::uint64_t> Ext4Writer::take_block(Inode& file, std::uint64_t logical) {
  const BlockRange range = BOXLITE_TRY(space_.take(1));
  add_run(file.runs, logical, range);
  return range.start;
}

Result<void> Ext4Writer::write(Inode& file, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::uint64_t in_block = offset % block_bytes;
    std::size_t size = 0;
    if (in_block == 0 && bytes.size() >= block_bytes) {
      size = bytes.size() / block_bytes * block_bytes;
      open_block_ = nullptr;
      BOXLITE_TRY(write_whole_blocks(file, offset / block_bytes, bytes.substr(0, size)));
    } else {
      size = std::min<std::size_t>(bytes.size(), block_bytes - in_block);
      BOXLITE_TRY(write_partial(file, offset, bytes.substr(0, size)));
    }
    offset += size;
    bytes.remove_prefix(size);
  }
  return {};
}

Result<void> Ext4Writer::write_partial(Inode& file, std::uint64_t offset, std::string_view bytes) {
  const std::uint64_t logical = offset / block_bytes;
  if (open_block_ == nullptr || open_logical_ != logical) {
    const std::uint64_t physical = BOXLITE_TRY(take_block(file, logical));
    open_block_ = BOXLITE_TRY(appender_.block(physical));
    open_logical_ = logical;
  }
  std::memcpy(open_block_ + offset % block_bytes, bytes.data(), bytes.size());
  return {};
}

// Long runs of zeros become holes.
Result<void> Ext4Writer::write_whole_blocks(Inode& file, std::uint64_t logical, std::string_view blocks) {
  const std::size_t count = blocks.size() / block_bytes;
  std::size_t pending = 0;
  for (std::size_t at = 0; at < count;) {
    std::size_t zeros_end = at;
    while (zeros_end < count && is_zero(blocks.data() + zeros_end * block_bytes)) ++zeros_end;
    if (zeros_end - at < hole_blocks) {
      at = std::max(zeros_end, at + 1);
      continue;
    }
    BOXLITE_TRY(
        append(file, logical + pending, blocks.substr(pending * block_bytes, (at - pending) * block_bytes)));
    at = pending = zeros_end;
  }
  return append(file, logical + pending, blocks.substr(pending * block_bytes));
}

Result<void> Ext4Writer::append(Inode& file, std::uint64_t logical, std::string_view blocks) {
  while (!blocks.empty()) {
    const BlockRange range = BOXLITE_TRY(space_.take(blocks.size() / block_bytes));
    const std::size_t size = static_cast<std::size_t>(range.count) * block_bytes;
    add_run(file.runs, logical, range);
    BOXLITE_TRY(appender_.append(range.start, blocks.substr(0, size)));
    logical += range.count;
    blocks.remove_prefix(size);
  }
  return {};
}

Result<void> Ext4Writer::end(Inode&) {
  open_block_ = nullptr;
  return {};
}

Result<void> Ext4Writer::discard(Inode& file) {
  for (const BlockRun& run : file.runs) {
    space_.give_back({run.physical, run.count});
    freed_.push_back({run.physical, run.count});
  }
  file.runs = {};
  return {};
}

// Files of one directory get neighbouring inodes, its subdirectories follow.
void Ext4Writer::number(Inode& directory, std::uint32_t parent) {
  inodes_.push_back({&directory, parent, false});
  for (auto& [name, link] : directory.children) {
    Inode& inode = *link.inode;
    if (inode.number != 0) continue;  // another name of a file that has its number
    inode.number = next_number_++;
    if (!inode.is_directory()) inodes_.push_back({&inode, directory.number, false});
  }
  for (auto& [name, link] : directory.children) {
    if (link.inode->is_directory()) number(*link.inode, directory.number);
  }
}

Result<void> Ext4Writer::finish(FileTree& tree) {
  if (tree.inode_count() > file_system_.inode_capacity()) {
    return fail(Error(ErrorCode::resource_exhausted, concat("the image has ", tree.inode_count(),
                                                            " files, more than the disk has inodes for (",
                                                            file_system_.inode_capacity(), ")"))
                    .with_remedy("ask for a larger disk size"));
  }
  tree.root().number = EXT2_ROOT_INO;
  number(tree.root(), EXT2_ROOT_INO);
  std::ranges::sort(inodes_, {}, [](const Numbered& entry) { return entry.inode->number; });
  BOXLITE_TRY(write_names());
  BOXLITE_TRY(write_inodes(tree));
  BOXLITE_TRY(punch_freed());
  for (const BlockRange& range : space_.taken()) file_system_.mark_used(range);
  for (const Numbered& entry : inodes_) {
    if (entry.inode->number >= ext4_first_inode) {
      file_system_.mark_inode_used(entry.inode->number, entry.inode->is_directory());
    }
  }
  return file_system_.close();
}

// Directories and the symlinks that do not fit into their inode.
Result<void> Ext4Writer::write_names() {
  for (Numbered& entry : inodes_) {
    Inode& inode = *entry.inode;
    std::string bytes;
    if (inode.is_directory()) {
      DirectoryBlocks blocks = BOXLITE_TRY(directory_blocks(file_system_.handle(), inode, entry.parent));
      bytes = std::move(blocks.bytes);
      entry.is_indexed = blocks.is_indexed;
      inode.size = bytes.size();
    } else if (inode.kind == EntryKind::symlink && inode.symlink_target.size() >= 60) {
      bytes = inode.symlink_target;
      bytes.resize(block_bytes);
    }
    BOXLITE_TRY(append(inode, 0, bytes));
  }
  return {};
}

// A table at a time, but for the first table block, which is the library's.
Result<void> Ext4Writer::write_inodes(const FileTree& tree) {
  BlockStore store;
  store.take = [&]() -> Result<std::uint64_t> {
    const BlockRange range = BOXLITE_TRY(space_.take(1));
    return range.start;
  };
  store.write = [&](std::uint64_t block, std::string_view bytes) { return appender_.append(block, bytes); };
  constexpr std::uint32_t written_by_library = block_bytes / sizeof(InodeRecord);
  std::string pending;
  std::uint64_t pending_offset = 0;
  for (const Numbered& entry : inodes_) {
    const std::uint32_t number = entry.inode->number;
    InodeRecord record =
        BOXLITE_TRY_CONTEXT(concat("store ", in_quotes(path_of(tree.root(), *entry.inode))),
                            inode_record(file_system_.handle(), *entry.inode, entry.is_indexed, store));
    if (number <= written_by_library) {
      const errcode_t code = ext2fs_write_inode_full(
          file_system_.handle(), number, reinterpret_cast<ext2_inode*>(record.data()), sizeof record);
      if (code != 0) return fail(ext2_error("write an inode", code));
      continue;
    }
    const std::uint64_t offset = file_system_.inode_offset(number);
    if (pending_offset + pending.size() != offset) {
      BOXLITE_TRY(write_at(image_.get(), pending.data(), pending.size(), pending_offset));
      pending.clear();
      pending_offset = offset;
    }
    pending.append(record.data(), record.size());
  }
  BOXLITE_TRY(write_at(image_.get(), pending.data(), pending.size(), pending_offset));
  return appender_.flush();
}

// What replaced files left behind goes back to the host's disk, and reads as zeros.
Result<void> Ext4Writer::punch_freed() {
  std::ranges::sort(freed_, {}, &BlockRange::start);
  const std::vector<BlockRange> taken = space_.taken();
  auto next = taken.begin();
  for (BlockRange range : freed_) {
    while (range.count > 0) {
      while (next != taken.end() && next->start + next->count <= range.start) ++next;
      std::uint64_t free_count = range.count;
      if (next != taken.end())
        free_count = next->start <= range.start ? 0 : std::min(free_count, next->start - range.start);
      if (free_count > 0 && ::fallocate(image_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                        static_cast<off_t>(range.start * block_bytes),
                                        static_cast<off_t>(free_count * block_bytes)) != 0) {
        return fail(syscall_error("punch a hole", "disk image", errno));
      }
      range = {range.start + free_count, range.count - free_count};
      if (range.count == 0) break;
      const std::uint64_t used = std::min(range.count, next->start + next->count - range.start);
      range = {range.start + used, range.count - used};
    }
  }
  return {};
}

}  // namespace boxlite::disk
