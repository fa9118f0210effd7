// SPDX-License-Identifier: Apache-2.0
// An engine for tests: machines that are threads, with agents that do what a script says. What is above an
// engine is tested with it in milliseconds.
#pragma once

#include <mutex>
#include <vector>

#include "engine/engine.h"
#include "engine/fake/script.h"

namespace boxlite::engine::fake {

class FakeEngine : public Engine {
 public:
  // For the machines in order; the last for all that follow.
  explicit FakeEngine(std::vector<Script> scripts = {{}}) : scripts_(std::move(scripts)) {}

  Capabilities capabilities(Accelerator accelerator) const override;
  Result<std::string> fingerprint(const MachineSpec& spec) const override;
  Result<bool> can_go_on_from(const Snapshot& snapshot) const override;
  Result<std::unique_ptr<Machine>> launch(const MachineSpec& spec, const std::optional<Snapshot>& from,
                                          MachineEnds ends) override;

  // What each machine was to go on from. Any thread.
  std::vector<std::optional<Snapshot>> launches() const;

 private:
  const std::vector<Script> scripts_;
  mutable std::mutex mutex_;
  std::vector<std::optional<Snapshot>> launches_;
};

}  // namespace boxlite::engine::fake
