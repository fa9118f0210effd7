// SPDX-License-Identifier: Apache-2.0
// The locks that a descriptor of this process holds, as the kernel says (/proc/self/fdinfo).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fileserver/state/server_state.h"

namespace boxlite::fileserver {

struct HeldLocks {
  std::optional<ServerState::Range> whole = {};  // flock
  std::vector<ServerState::Range> ranges = {};   // fcntl, of the open file description
};

// `info`: the text of the descriptor's file there.
HeldLocks parse_held_locks(std::string_view info);
// `directory_fd`: that directory.
HeldLocks held_locks(int directory_fd, int fd);

}  // namespace boxlite::fileserver
