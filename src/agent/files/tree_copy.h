// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace boxlite::agent {

// Copies all that is in one directory into another, empty one, and the directory's own attributes: owners,
// modes, times, extended attributes, hard links, special files. Never follows a symlink. Attributes that the
// target cannot hold are left out.
Result<void> copy_tree(int source_fd, int target_fd);

// Whether a directory has no entry.
Result<bool> is_empty_directory(int directory_fd);

}  // namespace boxlite::agent
