// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace boxlite::linux_ {

// Whether the process has been stopped by a signal (SIGSTOP, a debugger) and cannot answer anybody. False for
// one that is not there.
bool is_stopped(pid_t pid);

}  // namespace boxlite::linux_
