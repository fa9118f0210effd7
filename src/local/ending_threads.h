// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace boxlite::local {

// Runs `body` on a thread of its own, which the process waits for when it exits: what the body uses of the
// process's own objects goes after that. Nobody waits in a thread that the body waits for (the caller's), nor
// in a forked child, where the thread is not. All signals are blocked in it.
void run_before_exit(std::function<void()> body);

}  // namespace boxlite::local
