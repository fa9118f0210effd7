// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace boxlite::local {

// Where everything of a home lies:
//   boxlite.db              which boxes there are
//   boxes/<id>/             one box: its disk, logs, records, socket
//   machines/<shape>/       a saved machine (snapshot/template_shelf.h)
//   ready/<shape>/<id>/     a machine that waits for a box (shimlink/ready_machines.h)
//   images/                 an OCI image layout
//   disks/<chain>.ext4      images turned into disks; disks/<n>g/ those of another size than the default
//   volumes/<name>/data     what is in a volume; volumes/.lock is held while one is made or removed
//   disks/lock              shared while a start uses a disk no row names yet, exclusive while disks are
//   pruned engine.json             what the host check found
struct Home {
  std::filesystem::path directory;

  std::filesystem::path database() const { return directory / "boxlite.db"; }
  std::filesystem::path boxes() const { return directory / "boxes"; }
  std::filesystem::path images() const { return directory / "images"; }
  std::filesystem::path volumes() const { return directory / "volumes"; }
  std::filesystem::path disks() const { return directory / "disks"; }
  std::filesystem::path machines() const { return directory / "machines"; }
  std::filesystem::path ready() const { return directory / "ready"; }
  std::filesystem::path disks_lock() const { return disks() / "lock"; }
  std::filesystem::path bundled_image_lock() const { return directory / "bundled-image.lock"; }
  std::filesystem::path engine_cache() const { return directory / "engine.json"; }

  // Finds it (`wanted`, else $BOXLITE_HOME, else ~/.boxlite) and makes what is missing, 0700.
  // permission_denied when somebody else owns it or may write it: whoever can, decides what runs as the user.
  static Result<Home> open(const std::filesystem::path& wanted);
};

}  // namespace boxlite::local
