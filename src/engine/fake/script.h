// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "engine/machine_end.h"

namespace boxlite::engine::fake {

struct Silence {};  // no answer any more, to anything
struct Garbage {};  // bytes that are no frames
struct HangUp {};   // the agent's port is closed, and the machine goes on
// What happens where an agent would answer a request; an Error is its answer, a MachineEnd comes before one.
using Fault = std::variant<Silence, Garbage, HangUp, Error, MachineEnd>;

// What one machine does, besides what every machine with an agent does.
struct Script {
  std::optional<Error> launch_error = {};                 // there is no machine
  std::string console = {};                               // what its kernel says first
  std::map<std::string, Fault, std::less<>> faults = {};  // by the method of the request
  bool answers_bytewise = false;                          // each byte of it is sent alone
  bool can_quit = true;
  bool can_pause = true;
};

}  // namespace boxlite::engine::fake
