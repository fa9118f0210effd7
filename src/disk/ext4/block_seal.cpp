// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/block_seal.h"

#include <cstring>

#include <ext2fs/ext3_extents.h>

#include "disk/ext4/ext4_file_system.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t index_bytes = 8;

std::uint32_t checksum(std::uint32_t seed, const void* bytes, std::size_t size) {
  return ext2fs_crc32c_le(seed, static_cast<const unsigned char*>(bytes), size);
}

template <typename Number>
Number number_at(const char* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof number);
  return number;
}

}  // namespace

// Our inodes are all of generation 0.
BlockSeal::BlockSeal(ext2_filsys fs, std::uint32_t inode) {
  const std::uint32_t generation = 0;
  seed_ = checksum(checksum(fs->csum_seed, &inode, sizeof inode), &generation, sizeof generation);
}

void BlockSeal::names(char* block) const {
  constexpr std::size_t covered = ext4_block_bytes - sizeof(ext2_dir_entry_tail);
  const std::uint32_t sum = checksum(seed_, block, covered);
  std::memcpy(block + covered + offsetof(ext2_dir_entry_tail, det_checksum), &sum, sizeof sum);
}

// The tail lies behind the last entry that there is room for; what lies between is not covered.
void BlockSeal::index(char* block, std::size_t entries_at) const {
  const std::size_t limit = number_at<std::uint16_t>(block + entries_at);
  const std::size_t count = number_at<std::uint16_t>(block + entries_at + 2);
  char* tail = block + entries_at + limit * index_bytes;
  std::memset(tail, 0, sizeof(ext2_dx_tail));
  std::uint32_t sum = checksum(seed_, block, entries_at + count * index_bytes);
  sum = checksum(sum, tail, sizeof(ext2_dx_tail));
  std::memcpy(tail + offsetof(ext2_dx_tail, dt_checksum), &sum, sizeof sum);
}

void BlockSeal::extents(char* block) const {
  const std::size_t limit = number_at<std::uint16_t>(block + offsetof(ext3_extent_header, eh_max));
  const std::size_t covered = sizeof(ext3_extent_header) + limit * sizeof(ext3_extent);
  const std::uint32_t sum = checksum(seed_, block, covered);
  std::memcpy(block + covered, &sum, sizeof sum);
}

}  // namespace boxlite::disk
