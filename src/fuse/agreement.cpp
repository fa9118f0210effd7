// SPDX-License-Identifier: Apache-2.0
#include "fuse/agreement.h"

#include <algorithm>

#include "fuse/messages.h"

namespace boxlite::fuse {
namespace {

constexpr std::uint32_t oldest_minor = 36;
constexpr std::uint32_t page_size = 4096;

// What is not asked for, the guest's kernel does by itself or refuses. Not FUSE_WRITEBACK_CACHE: a page that
// is written back as a whole overwrites what the host has written beside. Not FUSE_SPLICE_*: of libfuse only.
constexpr std::uint64_t wanted_features =
    FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
    FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO |
    FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_INIT_EXT |
    direct_io_allow_mmap | tells_changes | tells_more;

}  // namespace

std::optional<fuse_init_out> agree(const fuse_init_in& offered) {
  if (offered.major != FUSE_KERNEL_VERSION || offered.minor < oldest_minor) return {};
  const auto features = features_of(offered) & wanted_features;
  fuse_init_out out = {};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = std::min<std::uint32_t>(offered.minor, FUSE_KERNEL_MINOR_VERSION);
  out.max_readahead = offered.max_readahead;
  out.flags = static_cast<std::uint32_t>(features);
  out.flags2 = static_cast<std::uint32_t>(features >> 32);
  out.max_background = 64;
  out.congestion_threshold = 48;
  out.max_write = max_transfer;
  out.max_pages = max_transfer / page_size;
  out.time_gran = 1;
  return out;
}

}  // namespace boxlite::fuse
