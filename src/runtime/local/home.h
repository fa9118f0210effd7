// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace boxlite::local {

// Where everything of a home lies:
//   boxlite.db              which boxes there are
//   boxes/<id>/             one box: its disk, logs, records, socket
//   ready/<shape>/<id>/     a machine that waits for a box (vmm/ready_machines.h)
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
  std::filesystem::path disks_lock() const { return disks() / "lock"; }
  std::filesystem::path bundled_image_lock() const { return directory / "bundled-image.lock"; }
  std::filesystem::path engine_cache() const { return directory / "engine.json"; }

  // Finds it (`wanted`, else $BOXLITE_HOME, else ~/.boxlite) and makes what is missing, 0700.
  static Result<Home> open(const std::filesystem::path& wanted);
};

}  // namespace boxlite::local
