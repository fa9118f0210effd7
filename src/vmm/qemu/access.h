// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "jail/file_confinement.h"
#include "vmm/machine_spec.h"

namespace boxlite::vmm::qemu {

// The files that QEMU needs for this machine: the system's programs and libraries, the machine's own files,
// and three devices. `program` is what is started, QEMU or what becomes it.
jail::FileAccess access_of(const MachineSpec& spec, const std::filesystem::path& program);

}  // namespace boxlite::vmm::qemu
