// SPDX-License-Identifier: Apache-2.0
// The engine that runs machines in QEMU: the only place that spawns it.
#pragma once

#include <filesystem>
#include <string_view>

#include "engine/engine.h"

namespace boxlite::engine::qemu {

inline constexpr std::string_view engine_name = "qemu";

class QemuEngine : public Engine {
 public:
  // `program`: qemu-system-x86_64; `thaw`: boxlite-thaw.
  QemuEngine(std::filesystem::path program, std::filesystem::path thaw)
      : program_(std::move(program)), thaw_(std::move(thaw)) {}
  Capabilities capabilities(Accelerator accelerator) const override;
  Result<std::string> fingerprint(const MachineSpec& spec) const override;
  Result<bool> can_go_on_from(const Snapshot& snapshot) const override;
  Result<std::unique_ptr<Machine>> launch(const MachineSpec& spec, const std::optional<Snapshot>& from,
                                          MachineEnds ends) override;

 private:
  std::filesystem::path program_;
  std::filesystem::path thaw_;
};

}  // namespace boxlite::engine::qemu
