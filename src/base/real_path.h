// SPDX-License-Identifier: Apache-2.0
// Paths of the host that a box may have a hand in: in a folder that it may write it can put a symlink in the
// place of anything, which for us would lead anywhere.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite {

// open(2) of an absolute path that neither is a symlink nor leads through one; otherwise invalid_state, with
// the remedy: when the path was named, its symlinks were followed by real_path().
Result<UniqueFd> open_without_symlinks(const std::filesystem::path& path, int flags);

// The absolute path with its symlinks followed. What does not exist yet stays as it is written.
// invalid_argument for a symlink in one of the directories of `distrusted`, which are real paths themselves.
Result<std::filesystem::path> real_path(const std::filesystem::path& path,
                                        const std::vector<std::filesystem::path>& distrusted);

// Whether a real path is one of the directories, or lies below one.
bool is_below(const std::filesystem::path& path, const std::vector<std::filesystem::path>& directories);

}  // namespace boxlite
