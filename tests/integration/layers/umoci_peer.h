// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "disk/image_disk.h"

namespace boxlite::tests {

disk::ImageDiskOptions small_disk();

// What `umoci unpack` makes of the layers, and what we make of them, hold the same, entry by entry, and
// e2fsck has nothing to say. Needs root.
struct Comparison {
  std::uint64_t disk_bytes = std::uint64_t{1} << 30;
  bool also_export = true;
};
void expect_same_as_umoci(const std::vector<std::string>& tars, const Comparison& how = {});

std::string little_endian(std::initializer_list<std::uint32_t> words);
// VFS_CAP_REVISION_2 with the effective bit.
std::string file_capability(std::uint32_t permitted = 1u << 13);

}  // namespace boxlite::tests
