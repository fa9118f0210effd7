// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>

#include "base/result.h"

namespace boxlite::jail {

// Moves the calling thread, and what it starts, to a view of the file system of its own, in which only
// `writable` (files and directories, with what is mounted below them) changes: not even the mode, owner or
// times of another file, which Landlock does not look at. What is mounted later below a writable directory
// arrives there if it was a shared mount; nothing goes the other way. What was opened before is not affected,
// and leads out of the view.
//
// unsupported where the kernel does not allow it; the thread can go on in either case.
Result<void> enter_read_only_view(std::span<const std::filesystem::path> writable);

}  // namespace boxlite::jail
