// SPDX-License-Identifier: Apache-2.0
// Machines that have gone on from an image's template before there was a box for them. A box that claims one
// has nothing left to wait for but its own name.
//
//   ready/<shape>/<id>/   laid out as a box's directory, with the disk and the shim of one machine
//
// Claiming needs no lock: the shim talks to the first process that connects, and the directory becomes the
// box's in one rename (RENAME_EXCHANGE). A machine that has been claimed is gone from here; one whose
// claimant died half-way ends by itself. Who keeps machines ready holds their watchdogs: they end with it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "shimlink/shim_config.h"
#include "shimlink/shim_process.h"

namespace boxlite::shimlink {

struct AddedMachine {
  ShimProcess shim;
  std::filesystem::path directory;  // to be removed when the shim has ended unclaimed
};

// Thread-safe; any number of processes may use one directory.
class ReadyMachines {
 public:
  // Of this home.
  explicit ReadyMachines(const std::filesystem::path& home) : directory_(home / "ready") {}

  // Starts one of the shape (TemplateShelf::shape_of), from the template that config.from names; it
  // can be claimed as soon as it is ready. What `config` says of a box does not matter.
  Result<AddedMachine> add(const std::string& shape, const std::filesystem::path& shim, ShimConfig config);

  // Makes one of the shape the machine of a box, whose directory exists and holds no disk; the caller holds
  // the box's life-cycle lock. Nothing when none is ready, and when the file system cannot exchange
  // directories.
  std::optional<ShimProcess> claim(const std::string& shape, const ShimConfig& config);

  // How many can be claimed now.
  std::size_t count(const std::string& shape) const;

  // What machines left behind whose keeper was killed.
  void remove_leftovers();

 private:
  std::filesystem::path place(const std::string& shape) const { return directory_ / shape; }

  const std::filesystem::path directory_;
};

}  // namespace boxlite::shimlink
