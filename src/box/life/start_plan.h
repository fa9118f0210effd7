// SPDX-License-Identifier: Apache-2.0
// Starting a box is a table of stages, each timed. What the first ones make (image, base disk) is shared by
// all boxes and needs no lock of the box; from the overlay on, the caller holds it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <boxlite/box.hpp>

#include "base/result.h"
#include "box/box_paths.h"
#include "box/call.h"
#include "box/life/saved_machines.h"
#include "box/surroundings.h"
#include "shimlink/network_config.h"
#include "shimlink/ready_machines.h"

namespace boxlite::box {

// Who runs the main command of a machine.
enum class MainStart { by_shim, by_client, none };

class StartPlan {
 public:
  // `call` is borrowed.
  StartPlan(Surroundings& around, const store::BoxRecord& record, BoxSpec spec, const Call& call,
            MainStart main);

  // Image and base disk, for a box that has no disk yet. On failure nothing of the box has changed.
  Result<void> prepare();
  // Overlay, machine, ready container. On failure nothing is left running. `record` as it is now, under the
  // lock.
  Result<void> launch(const store::BoxRecord& record);

  // After prepare(), for no box in particular: a machine that one like this can claim. unsupported where
  // there are no saved machines.
  Result<shimlink::AddedMachine> add_ready_machine();

  // After launch(): what to record, and the machine.
  store::BoxState running_state() const;
  void hand_over_shim() { around_.adopt(id_, *std::move(shim_), spec_.detach); }
  // Instead: ends the machine.
  void undo();

 private:
  struct Stage {
    const char* name;
    Result<void> (StartPlan::*run)();
  };
  static const Stage preparing[];
  static const Stage launching[];
  static const Stage booting[];

  Result<void> run(std::span<const Stage> stages);
  Result<void> find_image();
  Result<void> make_base_disk();
  Result<void> make_disk();
  Result<void> make_overlay(const std::filesystem::path& disk) const;
  Result<void> copy_saved_disk() const;
  // One that has the disk and waits for a box.
  Result<bool> claim_ready_machine();
  Result<void> choose_saved_machine();
  Result<snapshot::TemplateRecipe::Image> image_recipe() const;
  // What a launch that failed says of the saved machine that it went on from.
  struct RestoreFailure {
    bool is_template_bad = false;
    bool cannot_restore = false;
  };
  // Nothing: the box would not boot either, or may have begun to work. Waits for the shim's end.
  std::optional<RestoreFailure> restore_failure(const Error& why);
  Result<void> boot_instead(RestoreFailure failure);
  std::filesystem::path base_path() const;
  void warn_of_lost_files() const;
  engine::MachineSpec machine_spec() const;
  Result<void> spawn_shim();
  Result<void> wait_ready();
  Result<void> check_disk_is_there() const;
  Result<shimlink::ShimConfig> shim_config() const;
  Result<void> explain(Error error);

  Surroundings& around_;
  const std::string id_;
  std::string name_;  // the record's, which a rename changes; the spec's is that of the box's making
  const BoxSpec spec_;
  const BoxPaths paths_;
  const Call& call_;
  std::string image_config_;
  bool was_started_before_;
  std::string base_key_;  // of a box that has been started
  MainStart main_;

  std::optional<image::Image> image_;
  std::optional<BaseDisk> base_;  // of the first start
  std::optional<MachineParts> parts_;
  std::optional<SavedMachines> saved_machines_;
  std::optional<engine::Snapshot> saved_;
  std::optional<shimlink::ShimProcess> shim_;
  std::vector<shimlink::PortMapping> last_ports_;  // of the last start
  std::vector<StartStage> stages_;
  std::string kernel_release_;
  std::optional<int> vmm_pid_;
};

}  // namespace boxlite::box
