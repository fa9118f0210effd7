// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace boxlite::linux_ {

// Makes `to` (must not exist), a regular file with the data and the holes of `from`: a clone that shares its
// blocks where the file system can do that. On failure `to` is gone again. Not synced.
Result<void> copy_sparse(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace boxlite::linux_
