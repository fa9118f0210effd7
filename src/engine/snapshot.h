// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace boxlite::engine {

// A machine as it was at one moment: the content of its memory, and the state of everything else. Files.
struct Snapshot {
  std::filesystem::path memory = {};
  std::filesystem::path state = {};
  // Not empty: it is a warm one, which also has what the engine had learnt of the guest until then, here.
  std::filesystem::path pages = {};
  // Not empty: it was using its first disk, and goes on with a copy of this qcow2 file only.
  std::filesystem::path disk = {};

  bool is_warm() const { return !pages.empty(); }
  bool operator==(const Snapshot&) const = default;
};

struct SnapshotRequest {
  Snapshot into = {};         // warm, where it names files for that
  bool keep_running = false;  // else the machine ends in order
  bool with_disks = false;    // else their content is not part of it
};

}  // namespace boxlite::engine
