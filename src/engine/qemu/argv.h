// SPDX-License-Identifier: Apache-2.0
// A machine as QEMU's command line: a pure function, so that what QEMU is told can be read in a test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/machine_spec.h"
#include "engine/snapshot.h"

namespace boxlite::engine::qemu {

// The descriptors QEMU finds open, besides 0, 1 and 2.
inline constexpr int control_fd = 3;  // QMP
inline constexpr int agent_port_fd = 4;
inline constexpr int console_fd = 5;
inline constexpr int lock_fd = 6;   // only held
inline constexpr int state_fd = 7;  // a pipe with the state of a saved machine
inline constexpr int link_fd = 8;
inline constexpr int folders_port_fd = 9;

inline constexpr std::string_view agent_port_name = "boxlite.agent";

// Without the program's own name. For QEMU 7.2 and newer.
std::vector<std::string> machine_arguments(const MachineSpec& spec, const std::optional<Snapshot>& from);

std::string kernel_command_line(const MachineSpec& spec);

}  // namespace boxlite::engine::qemu
