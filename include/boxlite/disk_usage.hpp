// SPDX-License-Identifier: Apache-2.0
// What a home takes of its disk. Plain values.
#pragma once

#include <cstdint>

namespace boxlite {

struct SpaceUse {
  std::uint64_t count = 0;
  std::uint64_t active = 0;             // of them, those that are needed
  std::uint64_t bytes = 0;              // occupied on the host; holes of sparse files do not count
  std::uint64_t reclaimable_bytes = 0;  // of these, what the removal named below would free
};

struct DiskUsage {
  SpaceUse images;   // as downloaded; active: a box needs it. Images::prune with `all`
  SpaceUse disks;    // images as disks; active: a box's disk stands on it. Images::prune with `all`
  SpaceUse boxes;    // their disks and records; active: not stopped or failed. Runtime::prune_boxes
  SpaceUse volumes;  // active: a box names it. Volumes::prune with `all`
  SpaceUse logs;     // of the boxes, counted in files; active: of active boxes. Goes with the boxes
};

}  // namespace boxlite
