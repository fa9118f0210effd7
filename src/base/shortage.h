// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/error.hpp>

namespace boxlite {

// There was too little of something that the host or a limit of this process gives: memory, descriptors,
// processes, room. What was tried may be sound.
bool is_shortage(const Error& error);

}  // namespace boxlite
