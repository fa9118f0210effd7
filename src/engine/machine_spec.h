// SPDX-License-Identifier: Apache-2.0
// What a virtual machine is made of. Plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::engine {

// What executes the guest's instructions: the processor itself, or QEMU's translator.
enum class Accelerator { kvm, tcg };

std::string_view name(Accelerator accelerator);
// "kvm" or "tcg"; invalid_argument otherwise.
Result<Accelerator> parse_accelerator(std::string_view text);

enum class DiskFormat {
  raw,
  qcow2,
  blank,  // zeros without a file, in the place of the disk that a machine will have once it is continued
};

std::string_view name(DiskFormat format);

// The guest sees them in order: /dev/vda, /dev/vdb…
struct Disk {
  std::filesystem::path path = {};
  DiskFormat format = DiskFormat::qcow2;
  std::filesystem::path base = {};  // of a qcow2 one: the raw file that it is a layer over, if it is one
  bool is_read_only = false;
  std::uint64_t size_bytes = 0;  // of a blank one

  bool operator==(const Disk&) const = default;
};

// What is left of a machine that was saved: the content of its memory, and the state of everything else.
struct SavedMachine {
  std::filesystem::path memory = {};
  std::filesystem::path state = {};
  // Not empty: it was not told to save itself, its engine's process was frozen (freeze/freezer.h). These are
  // that one's pages, and the state is its image.
  std::filesystem::path pages = {};
  // Not empty: it was using its first disk, and goes on with a copy of this qcow2 file only.
  std::filesystem::path disk = {};

  bool is_frozen() const { return !pages.empty(); }
  bool operator==(const SavedMachine&) const = default;
};

struct MachineSpec {
  std::filesystem::path kernel = {};     // uncompressed ELF with a PVH entry
  std::filesystem::path initramfs = {};  // cpio
  std::string kernel_arguments = {};     // after the engine's own, so that these win
  Accelerator accelerator = Accelerator::tcg;
  unsigned cpus = 1;
  unsigned memory_mib = 512;
  unsigned tsc_khz = 0;  // of the host's time stamp counter, for an emulated guest; 0: the engine measures it
  std::vector<Disk> disks = {};
  // Not empty: the memory is this file, as Machine::save needs it; made when missing. Together with `saved`:
  // a copy of that one's memory, which is changed.
  std::filesystem::path memory_file = {};
  // Set: the machine goes on where that one was saved, instead of booting; all else is as it was then, but
  // for the disks' content. Its files are only read, whatever the machine does.
  std::optional<SavedMachine> saved = {};

  bool operator==(const MachineSpec&) const = default;
};

}  // namespace boxlite::engine
