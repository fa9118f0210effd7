// SPDX-License-Identifier: Apache-2.0
#include "box/saved_machines.h"

#include <utility>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "linux/write_confinement.h"

namespace boxlite::box {
namespace {

// There, reading a hole of the memory takes a page: a box would be killed (SIGBUS) once the file system is
// full.
bool is_in_memory(const std::filesystem::path& directory) {
  struct statfs status = {};
  return ::statfs(directory.c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC;
}

}  // namespace

SavedMachines::SavedMachines(const std::filesystem::path& home, const MachineParts& parts,
                             vmm::MachineSpec machine, std::chrono::milliseconds limit)
    : can_be_used_(linux_::can_confine_writes() && !is_in_memory(home)),
      shelf_(home),
      bare_{.machine = std::move(machine),
            .engine = parts.engine.qemu.path,
            .shim = parts.shim,
            .limit = limit} {}

std::optional<vmm::SavedMachine> SavedMachines::choose(
    const std::optional<vmm::TemplateRecipe::Image>& image) {
  if (!can_be_used_) return std::nullopt;
  auto of_image = bare_;
  of_image.image = image;
  if (image) {
    if (auto found = find(of_image)) return found;
  }
  auto bare = find(bare_);
  // Who waits for another maker waits no longer than it would boot.
  if (!bare) bare = make(bare_, Deadline::after(bare_.limit));
  if (!image || !bare) return bare;
  of_image.saved = bare;
  // Meanwhile the bare one does.
  auto made = make(of_image, Deadline::after(std::chrono::milliseconds(0)));
  return made ? made : bare;
}

std::optional<vmm::SavedMachine> SavedMachines::find(const vmm::TemplateRecipe& recipe) {
  const auto shape = vmm::TemplateShelf::shape_of(recipe);
  if (!shape) return std::nullopt;
  auto found = shelf_.find(*shape);
  if (!found || !*found) return std::nullopt;
  chosen_ = *shape;
  return *std::move(found);
}

std::optional<vmm::SavedMachine> SavedMachines::make(const vmm::TemplateRecipe& recipe, Deadline deadline) {
  const auto shape = vmm::TemplateShelf::shape_of(recipe);
  if (!shape) return std::nullopt;
  auto made = shelf_.make(*shape, recipe, deadline);
  if (!made) return std::nullopt;
  chosen_ = *shape;
  return *std::move(made);
}

void SavedMachines::discard() {
  if (!chosen_.empty()) (void)shelf_.discard(chosen_);
}

}  // namespace boxlite::box
