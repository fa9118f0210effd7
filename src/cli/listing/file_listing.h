// SPDX-License-Identifier: Apache-2.0
// How the files of a box look in lists. Pure functions.
#pragma once

#include <string>
#include <vector>

#include <boxlite/files.hpp>

namespace boxlite::cli {

// "-rw-r--r--", with the letter of the kind first.
std::string mode_text(const FileInfo& file);
// Sorted by name.
std::string files_table(std::vector<FileInfo> files);
// With the names of the C++ API; times are RFC 3339 in seconds.
std::string files_json(const std::vector<FileInfo>& files);
std::string file_json(const FileInfo& file);
// One line: "created  a/b". A directory ends in "/".
std::string event_line(const FileEvent& event);
std::string event_json(const FileEvent& event);

std::string file_time(const FileInfo& file);

}  // namespace boxlite::cli
