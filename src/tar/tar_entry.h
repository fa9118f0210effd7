// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace boxlite::tar {

enum class EntryKind { file, directory, symlink, hard_link, char_device, block_device, fifo };

struct FileTime {
  std::int64_t seconds = 0;  // since 1970
  std::uint32_t nanoseconds = 0;
  bool operator==(const FileTime&) const = default;
};

struct Xattr {
  std::string name;
  std::string value;
  bool operator==(const Xattr&) const = default;
};

// One file of an archive, as the archive tells it: names are bytes, nothing is resolved or cleaned.
struct TarEntry {
  EntryKind kind = EntryKind::file;
  std::string name;
  std::string link_target;  // of symlinks and hard links
  std::uint32_t mode = 0;   // permission, set-id and sticky bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t size = 0;  // with the holes
  FileTime modified;
  FileTime accessed;  // `modified` when the archive does not say
  std::vector<Xattr> xattrs;
};

}  // namespace boxlite::tar
