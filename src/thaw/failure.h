// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace boxlite::thaw {

// Says so on stderr and ends the process: freeze::cannot_thaw, or lacks_resources. `result`: what a system
// call answered, or 0.
[[noreturn]] void give_up(const char* what, long result);

// What a system call answered, if that is no error.
std::uint64_t must(const char* what, long result);

}  // namespace boxlite::thaw
