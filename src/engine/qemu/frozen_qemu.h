// SPDX-License-Identifier: Apache-2.0
// What a frozen QEMU is given when it is thawed: its descriptors by what they are to the machine.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/machine_spec.h"
#include "engine/snapshot.h"
#include "freeze/freezer.h"

namespace boxlite::engine::qemu {

// How the process of a machine that went on from a saved one is frozen.
freeze::Order freezing_order(pid_t pid, const MachineSpec& spec, const Snapshot& from, const Snapshot& into);

// What a descriptor with that name is in another machine with the same devices.
Result<UniqueFd> open_given(const MachineSpec& spec, const std::string& name, int flags);

}  // namespace boxlite::engine::qemu
