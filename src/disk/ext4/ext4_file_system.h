// SPDX-License-Identifier: Apache-2.0
// The one place that talks to libext2fs about a whole file system: its layout, bitmaps, group descriptors,
// journal.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include <ext2fs/ext2fs.h>

#include "base/result.h"
#include "disk/ext4/block_space.h"

namespace boxlite::disk {

inline constexpr std::uint64_t ext4_block_bytes = 4096;
inline constexpr std::uint32_t ext4_first_inode = 11;

using FileSystemId = std::array<unsigned char, 16>;

// An empty ext4 on a sparse file: what `mke2fs -t ext4` makes, without lost+found, every inode table marked
// as zeroed (the file is sparse, so they are), and the same bytes each time for the same size and id. One
// thread.
class Ext4FileSystem {
 public:
  // The file exists and is empty; it is given its size here.
  static Result<Ext4FileSystem> create(const std::filesystem::path& file, std::uint64_t size_bytes,
                                       const FileSystemId& id);
  Ext4FileSystem(Ext4FileSystem&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Ext4FileSystem& operator=(Ext4FileSystem&&) = delete;
  ~Ext4FileSystem();

  ext2_filsys handle() const { return handle_; }
  std::vector<BlockRange> free_ranges() const;
  std::uint32_t inode_capacity() const;
  // Where an inode's record lies in the file.
  std::uint64_t inode_offset(std::uint32_t number) const;

  void mark_used(BlockRange range);
  void mark_inode_used(std::uint32_t number, bool is_directory);
  // Writes what is still in memory; the object is empty afterwards.
  Result<void> close();

 private:
  explicit Ext4FileSystem(ext2_filsys handle) : handle_(handle) {}
  ext2_filsys handle_;
};

// An error of libext2fs; errno values keep their meaning.
Error ext2_error(std::string_view what, errcode_t code);

}  // namespace boxlite::disk
