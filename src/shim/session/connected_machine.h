// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/engine.h"
#include "shim/session/console_log.h"

namespace boxlite::shim {

// A machine, and our ends of what connects it to us.
struct ConnectedMachine {
  UniqueFd port = {};     // to its agent
  UniqueFd console = {};  // non-blocking
  UniqueFd link = {};     // non-blocking: its network cable
  UniqueFd folders = {};  // to where its folders are asked for; blocking, for the file server
  std::unique_ptr<engine::Machine> machine = {};
};

// What the engine complains about goes to vmm.stderr in `box_dir`. `lock_fd` is borrowed.
Result<ConnectedMachine> launch_connected(engine::Engine& engine, const engine::MachineSpec& spec,
                                          const std::optional<engine::Snapshot>& from,
                                          const std::filesystem::path& box_dir, int lock_fd);

// Writes down what the console has to say now. False: nothing will come any more.
bool drain_console(int console_fd, ConsoleLog& log);

}  // namespace boxlite::shim
