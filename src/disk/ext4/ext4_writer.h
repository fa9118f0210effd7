// SPDX-License-Identifier: Apache-2.0
// Stores a file tree as ext4. File content goes to the image as it arrives, one block after the other;
// inodes, directories and bitmaps follow at the end, when it is known what the layers add up to. So a file
// that a later layer replaces costs only its blocks, and nothing is ever unlinked from a directory on disk.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "disk/ext4/block_space.h"
#include "disk/ext4/ext4_file_system.h"
#include "disk/file_tree.h"

namespace boxlite::disk {

// Appends blocks to a file in large writes while they lie one behind the other. One thread.
class BlockAppender {
 public:
  explicit BlockAppender(int image_fd);
  // Room for one more block's bytes at `block`, zeroed; valid until the next call.
  Result<char*> block(std::uint64_t block);
  Result<void> append(std::uint64_t block, std::string_view whole_blocks);
  Result<void> flush();

 private:
  Result<void> move_to(std::uint64_t block);

  int image_fd_;
  std::vector<char> buffer_;
  std::uint64_t start_ = 0;
  std::size_t used_ = 0;
};

// Each byte of the image has one writer. libext2fs writes what it laid out: superblocks, group descriptors,
// bitmaps, the journal, the room to grow, and the first block of the inode table, in which its own inodes
// lie. Everything else is written here, once: other inodes, complete with their attributes, directories,
// extent and attribute blocks, content. The library is never asked what would make it read any of that, since
// it would keep what it read and could write it back.
class Ext4Writer final : public ContentSink {
 public:
  // `file` exists and is empty. Borrows nothing.
  static Result<std::unique_ptr<Ext4Writer>> create(const std::filesystem::path& file,
                                                    std::uint64_t size_bytes, const FileSystemId& id);

  Result<void> begin(Inode& file) override;
  Result<void> write(Inode& file, std::uint64_t offset, std::string_view bytes) override;
  Result<void> end(Inode& file) override;
  Result<void> discard(Inode& file) override;

  // Writes everything else; nothing can be added afterwards. Numbers the inodes of `tree`.
  Result<void> finish(FileTree& tree);

 private:
  struct Numbered {
    Inode* inode;
    std::uint32_t parent;
    bool is_indexed;
  };
  Ext4Writer(UniqueFd image, Ext4FileSystem file_system);

  Result<void> write_whole_blocks(Inode& file, std::uint64_t logical, std::string_view blocks);
  Result<void> append(Inode& file, std::uint64_t logical, std::string_view blocks);
  Result<void> write_partial(Inode& file, std::uint64_t offset, std::string_view bytes);
  Result<std::uint64_t> take_block(Inode& file, std::uint64_t logical);
  void number(Inode& directory, std::uint32_t parent);
  Result<void> write_names();
  Result<void> write_inodes(const FileTree& tree);
  Result<void> punch_freed();

  UniqueFd image_;
  Ext4FileSystem file_system_;
  BlockSpace space_;
  BlockAppender appender_;
  char* open_block_ = nullptr;  // the partly filled block of the current file
  std::uint64_t open_logical_ = 0;
  std::vector<Numbered> inodes_;
  std::uint32_t next_number_ = ext4_first_inode;
  std::vector<BlockRange> freed_;
};

}  // namespace boxlite::disk
