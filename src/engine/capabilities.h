// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace boxlite::engine {

// What an engine can do with machines of one accelerator.
struct Capabilities {
  bool can_run = false;  // without it, nothing
  bool can_pause = false;
  bool has_folders = false;         // a way for requests of FUSE between guest and host
  bool has_balloon = false;         // memory that the guest frees goes back to the host
  bool can_snapshot = false;        // memory and devices
  bool can_snapshot_warm = false;   // also what the engine has learnt of the guest; ends the machine
  bool can_keep_running = false;    // goes on after one that is not warm
  bool can_snapshot_disks = false;  // as they are at that moment

  bool operator==(const Capabilities&) const = default;
};

}  // namespace boxlite::engine
