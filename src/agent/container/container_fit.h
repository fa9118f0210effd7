// SPDX-License-Identifier: Apache-2.0
// What a container gets last, when it is known whose it is: a prepared one is the same for many boxes.
#pragma once

#include <cstdint>
#include <string>

#include "agent/container/container.h"
#include "base/result.h"

namespace boxlite::agent {

// The option "size" of /dev/shm; 0: half of the memory.
std::string shm_size(std::uint64_t bytes);
Result<void> resize_shm(const Container& container, std::uint64_t bytes);

// The container's "/" and its identity files cannot be written any more; what else is mounted can. Its
// working directory is made before.
Result<void> make_root_read_only(const Container& container);

}  // namespace boxlite::agent
