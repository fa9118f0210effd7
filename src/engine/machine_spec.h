// SPDX-License-Identifier: Apache-2.0
// What a virtual machine is made of. Plain values.
#pragma once

#include <cstdint>
#include <filesystem>
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

// What is the same before the first boot and in every machine that goes on from a snapshot.
struct MachineSpec {
  std::filesystem::path kernel = {};     // uncompressed ELF with a PVH entry
  std::filesystem::path initramfs = {};  // cpio
  std::string kernel_arguments = {};     // after the engine's own, so that these win
  Accelerator accelerator = Accelerator::tcg;
  unsigned cpus = 1;
  unsigned memory_mib = 512;
  unsigned tsc_khz = 0;  // of the host's time stamp counter, for an emulated guest; 0: the engine measures it
  std::vector<Disk> disks = {};
  // Not empty: the memory is this file, without which most engines make no snapshot; made when missing. With
  // a snapshot to go on from: a copy of its memory, which is changed.
  std::filesystem::path memory_file = {};

  bool operator==(const MachineSpec&) const = default;
};

}  // namespace boxlite::engine
