// SPDX-License-Identifier: Apache-2.0
// ExecOutput data frames, written straight from the bytes: the bulk of all traffic, where protobuf would copy
// twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/frame.h"

namespace boxlite::wire {

enum class OutputKind : std::uint8_t { stdout_bytes, stderr_bytes };

// More than the fields around the bytes ever take.
inline constexpr std::size_t output_overhead = 16;
inline constexpr std::size_t max_output_bytes = max_data_payload - output_overhead;

// Appends one data frame with an ExecOutput. `bytes` holds at most max_output_bytes. Returns the payload's
// size, which counts against the credit.
std::uint32_t write_output(FrameWriter& writer, std::uint32_t stream, OutputKind kind, std::string_view bytes,
                           std::uint64_t offset);

}  // namespace boxlite::wire
