// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace boxlite::cli {

enum class RelayEnd { source_ended, source_broke, target_broke, stopped };

// Copies from one descriptor to another until one of them ends, or `stop_fd` becomes readable or is closed at
// its other end, which is looked at while there is nothing to read. Blocks; makes neither descriptor
// non-blocking, and lives with those that are. `errno` is that of what broke.
RelayEnd relay(int source_fd, int target_fd, int stop_fd);

}  // namespace boxlite::cli
