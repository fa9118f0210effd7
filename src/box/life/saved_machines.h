// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "box/call.h"
#include "box/surroundings.h"
#include "snapshot/template_shelf.h"

namespace boxlite::box {

// The saved machine that a box can go on from; made where there is none yet. One thread.
class SavedMachines {
 public:
  // `machine` is the box's; `limit` is for one to come up. `call` is borrowed.
  SavedMachines(const std::filesystem::path& home, const MachineParts& parts, engine::MachineSpec machine,
                std::chrono::milliseconds limit, const Call& call);

  // `image`: what the first start of a box wants; else the box has a disk of its own already. Nothing where
  // none can be had: on a full disk, with the home in memory (tmpfs), on a kernel that could not keep boxes
  // from changing it. Then the box boots.
  std::optional<engine::Snapshot> choose(const std::optional<snapshot::TemplateRecipe::Image>& image);
  // The name of what was chosen or made last.
  const std::string& shape() const { return chosen_; }
  // What was chosen does not work; `cannot_restore`: nor would another warm one.
  void discard(bool cannot_restore);

 private:
  std::optional<engine::Snapshot> bare();
  std::optional<engine::Snapshot> of_image(const snapshot::TemplateRecipe::Image& image);
  std::optional<engine::Snapshot> find(const snapshot::TemplateRecipe& recipe);
  Result<engine::Snapshot> make(const snapshot::TemplateRecipe& recipe, const Deadline& deadline);

  const Call& call_;
  const bool can_be_used_;
  snapshot::TemplateShelf shelf_;
  snapshot::TemplateRecipe bare_;
  std::string chosen_;
};

}  // namespace boxlite::box
