// SPDX-License-Identifier: Apache-2.0
#include "box/life/saved_machines.h"

#include <utility>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "jail/file_confinement.h"

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
                             engine::MachineSpec machine, std::chrono::milliseconds limit, const Call& call)
    : call_(call),
      can_be_used_(jail::can_confine_files() && !is_in_memory(home)),
      shelf_(home),
      bare_{
          .machine = std::move(machine), .engine = parts.engine.engine, .shim = parts.shim, .limit = limit} {}

std::optional<engine::Snapshot> SavedMachines::choose(
    const std::optional<snapshot::TemplateRecipe::Image>& image) {
  if (!can_be_used_) return std::nullopt;
  return image ? of_image(*image) : bare();
}

std::optional<engine::Snapshot> SavedMachines::bare() {
  if (auto found = find(bare_)) return found;
  // Who waits for another maker waits no longer than it would boot.
  auto made = make(bare_, call_.within(bare_.limit));
  if (!made) return std::nullopt;
  return *std::move(made);
}

// A warm one where that can be; else one of memory and devices. Both are made from
// that without an image, which does meanwhile when another process is at it.
std::optional<engine::Snapshot> SavedMachines::of_image(const snapshot::TemplateRecipe::Image& image) {
  auto recipe = bare_;
  recipe.image = image;
  recipe.is_warm = shelf_.can_make_warm() && bare_.can_be_warm();
  if (auto found = find(recipe)) return found;
  auto chosen = bare();
  if (!chosen) return chosen;
  recipe.saved = chosen;
  const auto at_once = call_.within(std::chrono::milliseconds(0));
  auto made = make(recipe, at_once);
  if (!made && recipe.is_warm && made.error().code() == ErrorCode::unsupported) {
    (void)shelf_.give_up_warm(made.error().message());
    recipe.is_warm = false;
    made = make(recipe, at_once);
  }
  return made ? *std::move(made) : chosen;
}

std::optional<engine::Snapshot> SavedMachines::find(const snapshot::TemplateRecipe& recipe) {
  const auto shape = snapshot::TemplateShelf::shape_of(recipe);
  if (!shape) return std::nullopt;
  auto found = shelf_.find(*shape, recipe.engine);
  if (!found || !*found) return std::nullopt;
  chosen_ = *shape;
  return *std::move(found);
}

Result<engine::Snapshot> SavedMachines::make(const snapshot::TemplateRecipe& recipe,
                                             const Deadline& deadline) {
  const auto shape = BOXLITE_TRY(snapshot::TemplateShelf::shape_of(recipe));
  auto made = BOXLITE_TRY(shelf_.make(shape, recipe, deadline));
  chosen_ = shape;
  return made;
}

void SavedMachines::discard(bool cannot_restore) {
  if (cannot_restore) (void)shelf_.give_up_warm("no machine goes on from a warm snapshot here");
  if (!chosen_.empty()) (void)shelf_.discard(chosen_);
}

}  // namespace boxlite::box
