// SPDX-License-Identifier: Apache-2.0
// What a virtual machine is made of. Plain values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::vmm {

// What executes the guest's instructions: the processor itself, or QEMU's translator.
enum class Accelerator { kvm, tcg };

std::string_view name(Accelerator accelerator);
// "kvm" or "tcg"; invalid_argument otherwise.
Result<Accelerator> parse_accelerator(std::string_view text);

enum class DiskFormat { raw, qcow2 };

std::string_view name(DiskFormat format);

// The guest sees them in order: /dev/vda, /dev/vdb…
struct Disk {
  std::filesystem::path path = {};
  DiskFormat format = DiskFormat::qcow2;
  bool is_read_only = false;

  bool operator==(const Disk&) const = default;
};

// A directory of the host that the guest can mount (9p) by its tag.
struct SharedDirectory {
  std::filesystem::path path = {};
  std::string tag = {};
  // True: what the guest says about owners, modes and special files is kept beside the files, in extended
  // attributes: anything is possible, and means nothing to the host. False: files are what they are.
  bool keeps_attributes_apart = false;
  bool is_read_only = false;

  bool operator==(const SharedDirectory&) const = default;
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
  std::vector<SharedDirectory> shares = {};

  bool operator==(const MachineSpec&) const = default;
};

}  // namespace boxlite::vmm
