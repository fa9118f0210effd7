// SPDX-License-Identifier: Apache-2.0
// How many files and sockets a shim may have open.
#pragma once

#include <cstddef>

namespace boxlite::shim {

// Raises the limit of this process, and of what it starts, to what the connections of a box may take; as far
// as the hard limit lets it. A shell's is 1,024 mostly.
void raise_file_limit();

// Of the network stack, within the limit as it is: inspection and published ports take two more for a
// connection.
std::size_t socket_limit();
std::size_t socket_limit(std::size_t open_files);

}  // namespace boxlite::shim
