// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>

#include <sys/types.h>

#include "base/result.h"

namespace boxlite::linux_ {

// Calls `visit` with the beginning and the end of each stretch of the file that is no hole, in order, until
// one fails. Moves the descriptor's offset. `name` is for the error.
Result<void> for_each_stretch(int fd, const std::filesystem::path& name,
                              const std::function<Result<void>(off_t begin, off_t end)>& visit);

// Makes `to` (must not exist), a regular file with the data and the holes of `from`: a clone that shares its
// blocks where the file system can do that. On failure `to` is gone again. Not synced.
Result<void> copy_sparse(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace boxlite::linux_
