// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace boxlite::disk {

// How many files of a disk have lost their inode, as the writer before the second did to them where an
// extended attribute lay beside a directory. Reads what is in use of the inode tables; changes nothing.
Result<std::uint64_t> count_lost_files(const std::filesystem::path& disk);

}  // namespace boxlite::disk
