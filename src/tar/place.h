// SPDX-License-Identifier: Apache-2.0
// From the path that a person typed to the directory that work is done in, by Docker's rules for `cp`. Here
// symlinks are followed, as the person would expect, unless a box may have made them; from the directory on,
// nothing follows one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tar/tar_entry.h"

namespace boxlite::tar {

// refuse: for an absolute path that real_path() (base/real_path.h) has made, in a folder that a box may
// write.
enum class Symlinks { follow, refuse };

struct SourceOptions {
  bool follow_link = false;     // of a path that is a symlink: what it leads to
  bool without_parent = false;  // of a directory: what is in it, as with "/."
  bool recursive = true;        // false: a directory is refused (invalid_argument)
  Symlinks symlinks = Symlinks::follow;
};

// What to pack: for Packer::add.
struct Source {
  UniqueFd directory;
  std::string name;
  std::string archive_name;
  bool is_directory = false;
};
Result<Source> find_source(const std::string& path, const SourceOptions& options);

// Where to unpack: for Unpacker.
struct Destination {
  UniqueFd directory;
  std::optional<std::string> first_part;
};
// For an archive of one source, whose first entry is `first`: into the directory `path`, or under that name.
// Missing directories above it are made and given to `owner`.
struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};
Result<Destination> find_destination(const std::string& path, const TarEntry& first,
                                     std::optional<Owner> owner, Symlinks symlinks = Symlinks::follow);
// For any archive: `path` must be a directory.
Result<Destination> find_directory(const std::string& path);

}  // namespace boxlite::tar
