// SPDX-License-Identifier: Apache-2.0
// qcow2 version 3 headers: overlays are made here, without a process, and headers of files from elsewhere are
// checked before QEMU sees them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::disk {

struct Qcow2Header {
  std::uint32_t version = 3;
  std::uint32_t cluster_bits = 16;
  std::uint64_t virtual_size = 0;
  std::string backing_file;    // as written in the file; empty: none
  std::string backing_format;  // "raw", "qcow2", empty: not said
  bool has_dirty_bit = false;
};

// Parses the first bytes of a file. Refuses what our files never have and a hostile one could use: external
// data files, encryption, internal snapshots, unknown incompatible features, compression types, tables out of
// bounds.
Result<Qcow2Header> parse_qcow2_header(std::string_view start, std::uint64_t file_size);
Result<Qcow2Header> read_qcow2_header(const std::filesystem::path& path);

struct Backing {
  std::filesystem::path file;  // absolute, or relative to the overlay's directory
  std::string format;          // "raw" or "qcow2"
};

// Creates `path` (must not exist), an empty layer of `virtual_size` bytes over `backing`. The size may be
// larger than the backing disk's, then the rest reads as zeros; a smaller one is invalid_argument.
Result<void> create_overlay(const std::filesystem::path& path, const Backing& backing,
                            std::uint64_t virtual_size);

}  // namespace boxlite::disk
