// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

namespace boxlite {

// A thread with all signals blocked: the embedding program's signals are for its own threads. An exception
// out of `body` ends the thread, and not the program.
std::thread start_thread(std::function<void()> body);

}  // namespace boxlite
