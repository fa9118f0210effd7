// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace boxlite::host {

// Whether a process may have so much memory of its own, which every machine's process asks for in one piece:
// the kernel is asked as that one would ask it. resource_exhausted with what the host has, and the remedy.
// Memory that others use up meanwhile is not seen, nor is any limit where the kernel promises all that it is
// asked for (vm.overcommit_memory=1).
Result<void> require_memory(unsigned memory_mib);

}  // namespace boxlite::host
