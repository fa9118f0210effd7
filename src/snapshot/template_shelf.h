// SPDX-License-Identifier: Apache-2.0
// Saved machines that boxes go on from instead of booting. One for each shape: everything that a machine has
// before it is told which box it is; for a box's first start also one for each image, with the image's disk
// mounted and the container prepared.
//
//   machines/<shape>/memory         its memory, sparse; mapped privately by every box that goes on from it
//   machines/<shape>/state          its devices and processors
//   machines/<shape>/pages          of a warm one: what the engine adds
//   machines/<shape>/disk           of an image's: what it has changed of the base disk; copied for every box
//   machines/<shape>/manifest.json  what they must hash to
//   machines/<shape>/verified       for which boot of the host, and for which files, that was checked
//   machines/<shape>.lock           held by who makes it, in machines/<shape>.new
//   machines/no-freezing.<boot id>  there when this boot of the host cannot, and why
//
// A template is complete when its directory exists: it is renamed into place. Removing one never hurts a box
// that runs: its memory stays mapped.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/engine_config.h"
#include "engine/machine_spec.h"
#include "engine/snapshot.h"
#include "shimlink/shim_config.h"

namespace boxlite::snapshot {

// What a template is made from.
struct TemplateRecipe {
  engine::MachineSpec machine = {};  // a box's; what is the box's own does not matter
  engine::EngineConfig engine = {};
  std::filesystem::path shim = {};
  std::chrono::milliseconds limit{0};  // for the machine to come up

  // For one of an image.
  struct Image {
    std::filesystem::path base = {};  // its disk
    // Makes an overlay over it.
    std::function<Result<void>(const std::filesystem::path& disk)> make_disk = {};
    std::string configure_request = {};  // as in shimlink::ShimConfig; the same for all boxes
    std::string start_container_request = {};
  };
  std::optional<Image> image = {};
  // For one of an image: the shape's without, quicker to go on from than a boot.
  std::optional<engine::Snapshot> saved = {};
  // Of an image: the snapshot is a warm one.
  bool is_warm = false;

  // Whether the engine makes such ones of such a machine.
  bool can_be_warm() const;
};

struct TemplateEntry {
  std::string shape = {};
  bool has_image = false;
  bool is_warm = false;
  Timestamp used_at = {};
  std::uint64_t bytes = 0;  // on the disk
};

// Thread-safe; any number of processes may use one directory.
class TemplateShelf {
 public:
  // Of this home; the directory is made when something is put into it.
  explicit TemplateShelf(const std::filesystem::path& home) : directory_(home / "machines") {}

  // The name of the template: a digest of what the engine says that it depends on, and of what the image
  // adds. Paths and contents of a box's own disks do not matter, their number and sizes do.
  static Result<std::string> shape_of(const TemplateRecipe& recipe);

  // Nothing when there is none. One that is damaged is removed, and is none.
  Result<std::optional<engine::Snapshot>> find(const std::string& shape, const engine::EngineConfig& engine);

  // Makes one; takes as long as a boot, unless the deadline's stop ends that (`cancelled`). When another
  // process is at it, waits for that one until the deadline, then timed_out. unsupported when the host
  // cannot make a warm one.
  Result<engine::Snapshot> make(const std::string& shape, const TemplateRecipe& recipe,
                                const Deadline& deadline);

  // Takes away one that did not work.
  Result<void> discard(const std::string& shape);
  // False once this boot of the host has been found unable to make a warm one or to go on from it.
  bool can_make_warm() const;
  Result<void> give_up_warm(std::string_view why);
  // The most recently used first.
  Result<std::vector<TemplateEntry>> list() const;
  // Keeps the `keep` most recently used; returns what was removed. With 0, that the host cannot
  // make a warm one is forgotten as well.
  Result<std::vector<TemplateEntry>> prune(std::size_t keep);

 private:
  void sweep(bool forget_this_boot) const;
  std::filesystem::path place(const std::string& shape) const { return directory_ / shape; }
  Result<void> boot_and_save(const std::filesystem::path& place, const TemplateRecipe& recipe,
                             const std::stop_token& stop) const;
  Result<shimlink::ShimConfig> maker_config(const std::filesystem::path& place,
                                            const TemplateRecipe& recipe) const;

  const std::filesystem::path directory_;
};

}  // namespace boxlite::snapshot
