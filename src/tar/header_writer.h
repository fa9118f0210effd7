// SPDX-License-Identifier: Apache-2.0
// The blocks before a file's content, in the POSIX pax format: a ustar header, preceded by pax records for
// what it cannot say.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tar/tar_entry.h"

namespace boxlite::tar {

// A run of content; what none covers is a hole.
struct Region {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Appends the headers of `entry`, whose whole content follows.
void append_headers(std::string& out, const TarEntry& entry);

// The same for a file with holes (GNU's sparse format 1.0): with the map that leads its content. The regions'
// bytes follow, without what is between them.
void append_sparse_headers(std::string& out, const TarEntry& entry, std::span<const Region> regions);

}  // namespace boxlite::tar
