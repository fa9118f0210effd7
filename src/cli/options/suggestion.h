// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace boxlite::cli {

// How many letters must be inserted, removed, replaced or swapped with their neighbour. Thread-safe.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that `typed` was probably meant to be; empty when none is near enough.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> candidates);

}  // namespace boxlite::cli
