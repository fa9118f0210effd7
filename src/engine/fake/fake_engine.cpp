// SPDX-License-Identifier: Apache-2.0
#include "engine/fake/fake_engine.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "engine/fake/fake_machine.h"

namespace boxlite::engine::fake {

Capabilities FakeEngine::capabilities(Accelerator) const {
  return {.can_run = true,
          .can_pause = true,
          .can_snapshot = true,
          .can_snapshot_warm = true,
          .can_keep_running = true};
}

Result<std::string> FakeEngine::fingerprint(const MachineSpec& spec) const {
  return concat("fake ", spec.cpus, " ", spec.memory_mib);
}

Result<bool> FakeEngine::can_go_on_from(const Snapshot&) const {
  return true;
}

Result<std::unique_ptr<Machine>> FakeEngine::launch(const MachineSpec&, const std::optional<Snapshot>& from,
                                                    MachineEnds ends) {
  std::size_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    index = std::min(launches_.size(), scripts_.size() - 1);
    launches_.push_back(from);
  }
  const auto& script = scripts_[index];
  if (script.launch_error) return std::unexpected(*script.launch_error);
  return FakeMachine::create(script, std::move(ends));
}

std::vector<std::optional<Snapshot>> FakeEngine::launches() const {
  const std::lock_guard lock(mutex_);
  return launches_;
}

}  // namespace boxlite::engine::fake
