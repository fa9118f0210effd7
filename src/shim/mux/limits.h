// SPDX-License-Identifier: Apache-2.0
// What one shim serves. Beyond: an error for the caller, never growth.
#pragma once

#include <chrono>
#include <cstddef>

namespace boxlite::shim {

inline constexpr std::size_t max_clients = 256;
inline constexpr std::size_t max_streams_per_client = 4096;
inline constexpr std::size_t max_streams = 16384;

// Commands whose clients have left and whose end is awaited only to be told of.
inline constexpr std::size_t max_left_commands = 1024;

// Bytes that wait for the guest, or for one client, before more requests are read.
inline constexpr std::size_t stop_reading_above = 4u << 20;
inline constexpr std::size_t resume_reading_below = 1u << 20;

// Buffers read from one descriptor before the others get their turn.
inline constexpr int reads_per_turn = 4;
// More than any socket buffer holds.
inline constexpr int drain_turns = 1024;

inline constexpr std::chrono::milliseconds accept_pause{100};

}  // namespace boxlite::shim
