// SPDX-License-Identifier: Apache-2.0
// -v, --mount and --tmpfs, in Docker's notation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "cli/ending.h"
#include "cli/options/option_set.h"

namespace boxlite::cli {

// A mount, and whether its directory on the host is made when there is nothing (-v does, --mount does not).
struct MountWish {
  Mount mount;
  bool makes_source = false;
};

// HOST:BOX[:OPTIONS] | NAME:BOX[:OPTIONS] | BOX. OPTIONS, separated by commas: ro, rw, nocopy; z, Z and the
// kinds of propagation are accepted and mean nothing here. HOST begins with "/", "." or "~"; "./x" and ".."
// count from the working directory. A HOST that is a unix socket is one in the box.
Parsed<MountWish> parse_volume_option(std::string_view text);
// type=bind|volume|tmpfs|socket,src=…,dst=…[,readonly][,volume-nocopy][,tmpfs-size=…][,tmpfs-mode=…]
Parsed<MountWish> parse_mount_option(std::string_view text);
// BOX[:size=64m,mode=1777,ro]
Parsed<MountWish> parse_tmpfs_option(std::string_view text);

// An existing place, made when that is wished.
Parsed<void> provide_source(const MountWish& wish);

// One thread; must outlive the parse.
class MountOptions {
 public:
  void declare(OptionSet& options);
  // What all of them say, sources provided.
  Parsed<std::vector<Mount>> mounts() const;

 private:
  std::vector<std::string> volumes_;
  std::vector<std::string> mounts_;
  std::vector<std::string> tmpfs_;
};

}  // namespace boxlite::cli
