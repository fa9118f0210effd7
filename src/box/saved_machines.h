// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "box/surroundings.h"
#include "vmm/template_shelf.h"

namespace boxlite::box {

// The saved machine that a box can go on from; made where there is none yet. One thread.
class SavedMachines {
 public:
  // `machine` is the box's; `limit` is for one to come up.
  SavedMachines(const std::filesystem::path& home, const MachineParts& parts, vmm::MachineSpec machine,
                std::chrono::milliseconds limit);

  // `image`: what the first start of a box wants; else the box has a disk of its own already. Nothing where
  // none can be had: on a full disk, with the home in memory (tmpfs), on a kernel that could not keep boxes
  // from changing it. Then the box boots.
  std::optional<vmm::SavedMachine> choose(const std::optional<vmm::TemplateRecipe::Image>& image);
  // The name of what was chosen or made last.
  const std::string& shape() const { return chosen_; }
  // What was chosen does not work; `did_not_thaw`: nor would another frozen one.
  void discard(bool did_not_thaw);

 private:
  std::optional<vmm::SavedMachine> bare();
  std::optional<vmm::SavedMachine> of_image(const vmm::TemplateRecipe::Image& image);
  std::optional<vmm::SavedMachine> find(const vmm::TemplateRecipe& recipe);
  Result<vmm::SavedMachine> make(const vmm::TemplateRecipe& recipe, Deadline deadline);

  const bool can_be_used_;
  vmm::TemplateShelf shelf_;
  vmm::TemplateRecipe bare_;
  std::string chosen_;
};

}  // namespace boxlite::box
