// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace boxlite::tests {

// One to twenty layers, lowest first, that a seed stands for: valid in themselves and on top of each other,
// and with everything in them that layers may hold. The same seed gives the same bytes. `below` is a
// directory to put all of it into, "" or "name/".
std::vector<std::string> random_layers(std::uint64_t seed, const std::string& below = {});

}  // namespace boxlite::tests
