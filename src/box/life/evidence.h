// SPDX-License-Identifier: Apache-2.0
// What really became of a box's machine. The database says what a process last knew; locks and records of the
// shim say what is. A box is alive if and only if its shim.lock is held: the kernel drops the lock with the
// last process that inherited it, so neither a kill, nor a reused pid, nor a reboot can fake it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "box/box_paths.h"
#include "shimlink/shim_record.h"
#include "store/box_table.h"

namespace boxlite::box {

struct Evidence {
  bool is_alive = false;
  std::optional<shimlink::ShimRecord> shim = {};  // of the machine that runs now, or else of the last one
  std::optional<shimlink::ExitRecord> exit =
      {};                       // of a machine whose end nobody has entered into the database yet
  bool has_rebooted = false;    // the host, since the last machine was started
  std::string last_words = {};  // the end of shim.stderr, when there is no exit record
};

Result<Evidence> gather_evidence(const BoxPaths& paths);

// The state that should be recorded, given the one that is. Pure; the same when they agree.
store::BoxState settled_state(store::BoxState recorded, const Evidence& evidence, Timestamp now);

// What an exit record says, for people.
std::string describe_failure(const shimlink::ExitRecord& exit);

}  // namespace boxlite::box
