// SPDX-License-Identifier: Apache-2.0
// What a directory or an ext4 image holds, as text to compare: type, mode, owner, device, size, mtime, link
// target, names of one inode, xattrs, hash of the content.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace boxlite::tests {

using FileListing = std::map<std::string, std::string>;

// Of what is at `below` ("/name", or "" for all) in it; paths begin with `below`.
FileListing list_directory(const std::filesystem::path& directory, const std::string& below = {});
FileListing list_ext4(const std::filesystem::path& image);

// Lines that only one of the two has, with "-" or "+" before them; empty when they are equal.
std::string difference(const FileListing& expected, const FileListing& actual);

}  // namespace boxlite::tests
