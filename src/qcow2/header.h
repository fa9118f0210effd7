// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::qcow2 {

struct Header {
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
Result<Header> parse_header(std::string_view start, std::uint64_t file_size);
Result<Header> read_header(const std::filesystem::path& path);

}  // namespace boxlite::qcow2
