// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace boxlite::box {

// Where everything of one box lies: boxes/<id> in the home.
struct BoxPaths {
  BoxPaths(const std::filesystem::path& home, std::string_view id) : directory(home / "boxes" / id) {}

  std::filesystem::path directory;

  // Held by the process that changes the box's life.
  std::filesystem::path lock() const { return directory / "lock"; }
  // One file of each who is about to start the box for the first time: start_intention.h.
  std::filesystem::path start_intentions() const { return directory / "first-start"; }
  std::filesystem::path fresh_start_intention() const { return directory / "first-start.new"; }
  // Held by the shim and its machine for as long as either lives.
  std::filesystem::path shim_lock() const { return directory / "shim.lock"; }
  std::filesystem::path disk() const { return directory / "disk.qcow2"; }
  std::filesystem::path agent_socket() const { return directory / "agent.sock"; }
  std::filesystem::path exit_record() const { return directory / "exit.json"; }
  std::filesystem::path previous_exit_record() const { return directory / "exit.previous.json"; }
  std::filesystem::path secrets() const { return directory / "secrets"; }
  std::filesystem::path console_log() const { return directory / "console.log"; }
  std::filesystem::path shim_stderr() const { return directory / "shim.stderr"; }
};

}  // namespace boxlite::box
