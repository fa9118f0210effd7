// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include <linux/fuse.h>

namespace boxlite::fuse {

// FUSE_DIRECT_IO_ALLOW_MMAP of protocol 7.39, which this header may not have yet.
inline constexpr std::uint64_t direct_io_allow_mmap = std::uint64_t{1} << 36;
// FUSE_TELLS_CHANGES of guest/kernel/patches: BoxLite's guests ask less then.
inline constexpr std::uint64_t tells_changes = std::uint64_t{1} << 62;
// FUSE_TELLS_MORE of there, which agrees on the following.
inline constexpr std::uint64_t tells_more = std::uint64_t{1} << 61;
// In fuse_attr::flags of a directory that was just made: nothing is in it, and what comes is told.
inline constexpr std::uint32_t attr_is_empty = std::uint32_t{1} << 31;
// In fuse_write_in::write_flags: fuse_attr_out follows upon fuse_write_out.
inline constexpr std::uint32_t write_asks_attr = std::uint32_t{1} << 31;
// In fuse_release_in::release_flags: it is not answered, nor refused.
inline constexpr std::uint32_t release_unanswered = std::uint32_t{1} << 31;

// What a kernel offers, or has been answered.
template <typename Init>
std::uint64_t features_of(const Init& init) {
  return init.flags | (static_cast<std::uint64_t>(init.flags2) << 32);
}

// What a server of folders answers to the first request, FUSE_INIT. Nothing: the kernel is too old for it.
std::optional<fuse_init_out> agree(const fuse_init_in& offered);

}  // namespace boxlite::fuse
