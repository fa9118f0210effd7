// SPDX-License-Identifier: Apache-2.0
// The engine that runs machines in QEMU: the only place that spawns it.
#pragma once

#include <filesystem>

#include "vmm/vmm.h"

namespace boxlite::vmm::qemu {

class QemuEngine : public Engine {
 public:
  // `program`: qemu-system-x86_64.
  explicit QemuEngine(std::filesystem::path program) : program_(std::move(program)) {}
  Result<std::unique_ptr<Machine>> launch(const MachineSpec& spec, MachineEnds ends) override;

 private:
  std::filesystem::path program_;
};

}  // namespace boxlite::vmm::qemu
