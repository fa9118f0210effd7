// SPDX-License-Identifier: Apache-2.0
#include "fileserver/notices.h"

#include <algorithm>

#include <linux/fuse.h>

namespace boxlite::fileserver {

std::uint64_t Notices::forget_file(std::uint64_t node) {
  const fuse_notify_inval_inode_out out = {.ino = node, .off = 0, .len = 0};
  channel_.notify(FUSE_NOTIFY_INVAL_INODE, {bytes_of(out)});
  return ++sent_;
}

std::uint64_t Notices::forget_name(std::uint64_t directory, std::string_view name) {
  const fuse_notify_inval_entry_out out = {
      .parent = directory, .namelen = static_cast<std::uint32_t>(name.size()), .flags = 0};
  channel_.notify(FUSE_NOTIFY_INVAL_ENTRY, {bytes_of(out), name, std::string_view("\0", 1)});
  return ++sent_;
}

void Notices::done(std::uint64_t count) {
  done_ += std::min(count, sent_ - done_);
}

}  // namespace boxlite::fileserver
