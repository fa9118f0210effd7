// SPDX-License-Identifier: Apache-2.0
// Numbers of the format that its reader and its writer share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace boxlite::qcow2 {

inline constexpr std::uint32_t magic = 0x514649fb;
inline constexpr std::uint32_t header_bytes = 104;
inline constexpr std::uint32_t cluster_bits = 16;
inline constexpr std::uint64_t cluster = std::uint64_t{1} << cluster_bits;
inline constexpr std::uint32_t backing_format_extension = 0xe2792aca;
inline constexpr std::uint64_t max_virtual_size = std::uint64_t{16} << 40;
inline constexpr std::size_t max_backing_name = 1023;

}  // namespace boxlite::qcow2
