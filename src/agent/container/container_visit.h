// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace boxlite::agent {

// Runs `work` in a mount namespace (a descriptor of it), in a process that shares our memory: it makes system
// calls, and nothing else. Returns what `work` returns, an errno or 0.
Result<int> visit_mounts(int mount_namespace, int (*work)(void*), void* argument);

}  // namespace boxlite::agent
