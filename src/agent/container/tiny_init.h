// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/container/birth.h"

namespace boxlite::agent {

// `--init`: the calling process, the first one of its pid namespace and the command in all but the program,
// starts the program as its child, passes signals on to it, reaps everybody's orphans, and ends as it does
// (128 + signal). It closes all that it has open. Returns only when no program runs; birth.failure says why.
void run_tiny_init(Birth& birth);

}  // namespace boxlite::agent
