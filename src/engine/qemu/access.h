// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "engine/machine_spec.h"
#include "engine/snapshot.h"
#include "jail/file_confinement.h"

namespace boxlite::engine::qemu {

// The files that QEMU needs for this machine: the system's programs and libraries, the machine's own files,
// and three devices. `program` is what is started, QEMU or what becomes it.
jail::FileAccess access_of(const MachineSpec& spec, const std::optional<Snapshot>& from,
                           const std::filesystem::path& program);

}  // namespace boxlite::engine::qemu
