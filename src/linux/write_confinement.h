// SPDX-License-Identifier: Apache-2.0
// Landlock, the kernel's file access control for unprivileged processes
// (Documentation/userspace-api/landlock.rst).
#pragma once

#include <filesystem>
#include <span>

#include "base/result.h"

namespace boxlite::linux_ {

// Whether the kernel can do what confine_writes() wants.
bool can_confine_writes();

// From now on the calling thread and what it starts change files only below `writable` (files or directories;
// one that is missing is skipped): no writing, making, removing or renaming elsewhere, whatever the
// permissions say. Reading is not touched. For ever. Before Linux 6.2 truncating is not governed:
// intercept_openings() sees to that. unsupported when the kernel cannot (Linux before 5.19, or without
// Landlock among its modules).
Result<void> confine_writes(std::span<const std::filesystem::path> writable);

}  // namespace boxlite::linux_
