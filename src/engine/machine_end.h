// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace boxlite::engine {

enum class EndReason {
  ended,            // in order: the guest itself did, or quit() was asked for
  killed,           // by kill()
  lacks_resources,  // memory, descriptors or processes did not suffice: this says nothing of the machine
  cannot_restore,   // it never ran: on this host no machine goes on from such a snapshot
  failed,
};

// How a machine ended.
struct MachineEnd {
  EndReason reason = EndReason::ended;
  std::string detail = {};  // what the engine has to say of it, printable; may be empty

  bool operator==(const MachineEnd&) const = default;
};

}  // namespace boxlite::engine
