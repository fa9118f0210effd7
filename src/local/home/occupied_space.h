// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace boxlite::local {

// What a file takes of the disk, holes not counted; 0 when it is not there.
std::uint64_t occupied_bytes(const std::filesystem::path& file);

// Calls `visit` with every entry below `directory` and what it takes of the disk. Follows no symlink; what
// goes meanwhile, or may not be read, is passed over.
void visit_occupied(
    const std::filesystem::path& directory,
    const std::function<void(const std::filesystem::path& entry, std::uint64_t bytes)>& visit);

// Of everything below it.
std::uint64_t occupied_bytes_below(const std::filesystem::path& directory);

}  // namespace boxlite::local
