// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace boxlite::engine {

// Which engine runs a machine.
struct EngineConfig {
  std::string name = {};               // of its folder: "qemu"
  std::filesystem::path program = {};  // as the host check found it
  std::filesystem::path helper = {};   // a program of ours that it needs beside that one

  bool operator==(const EngineConfig&) const = default;
};

}  // namespace boxlite::engine
