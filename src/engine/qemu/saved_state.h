// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::engine::qemu {

// The read end of a pipe that holds the whole file: QEMU 7.2 cannot wait for a regular file to become
// readable. corrupted when the file is larger than a pipe may be (1 MiB; a state has a quarter of it).
Result<UniqueFd> pipe_with_state(const std::filesystem::path& file);

}  // namespace boxlite::engine::qemu
