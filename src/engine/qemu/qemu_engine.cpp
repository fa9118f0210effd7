// SPDX-License-Identifier: Apache-2.0
// What can be said of QEMU's machines without one. They are launched in qemu_machine.cpp.
#include "engine/qemu/qemu_engine.h"

#include "base/concat.h"
#include "engine/qemu/argv.h"
#include "freeze/file_identity.h"
#include "freeze/frozen_process.h"
#include "linux/process/process_identity.h"

namespace boxlite::engine::qemu {
namespace {

// A program or file by what tells one version of it from the next.
Result<std::string> identity_of(const std::filesystem::path& file) {
  const auto identity = BOXLITE_TRY(freeze::identify_file(file));
  return concat(file.native(), " ", identity.device, ":", identity.inode, ":", identity.size, ":",
                identity.changed_s, ".", identity.changed_ns, "\n");
}

}  // namespace

Capabilities QemuEngine::capabilities(Accelerator accelerator) const {
  return {.can_run = true,
          .can_pause = true,
          .has_folders = true,
          .has_balloon = true,
          .can_snapshot = true,
          // KVM translates nothing, and its virtual machine is the kernel's.
          .can_snapshot_warm = accelerator == Accelerator::tcg,
          .can_keep_running = true};
}

Result<std::string> QemuEngine::fingerprint(const MachineSpec& spec) const {
  auto same = spec;
  // Measured, and so never quite the same; but the clock of one boot of the host is.
  same.tsc_khz = 0;
  auto text = BOXLITE_TRY(linux_::boot_id());
  for (const auto& file : {program_, thaw_, same.kernel, same.initramfs})
    text += BOXLITE_TRY(identity_of(file));
  for (const auto& argument : machine_arguments(same, std::nullopt)) text += concat(argument, "\n");
  return text;
}

Result<bool> QemuEngine::can_go_on_from(const Snapshot& snapshot) const {
  if (!snapshot.is_warm()) return true;
  return freeze::FrozenProcess::has_its_files(snapshot.state);
}

}  // namespace boxlite::engine::qemu
