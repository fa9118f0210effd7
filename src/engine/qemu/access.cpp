// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/access.h"

#include <array>
#include <system_error>

namespace boxlite::engine::qemu {
namespace {

namespace fs = std::filesystem;

// What everybody may read of the system: QEMU's modules and ROMs, and what its libraries look at as they
// start.
constexpr std::array system_files{"/usr",
                                  "/etc/ld.so.cache",
                                  "/etc/localtime",
                                  "/etc/ssl/openssl.cnf",
                                  "/etc/gnutls",
                                  "/etc/crypto-policies",
                                  "/proc/filesystems",
                                  "/sys/bus/nd",
                                  "/sys/devices/system",
                                  "/sys/kernel/mm",
                                  "/sys/module",
                                  "/dev/random",
                                  "/dev/urandom"};
constexpr std::array libraries{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store", "/gnu/store"};
// Beside the directory of a QEMU that was installed elsewhere.
constexpr std::array beside_programs{"lib", "lib64", "share/qemu"};

void add_program(jail::FileAccess& access, const fs::path& program) {
  access.runnable.push_back(program);
  std::error_code ignored;
  const auto real = fs::canonical(program, ignored);
  if (ignored) return;
  const auto prefix = real.parent_path().parent_path();
  for (const auto* const name : beside_programs) access.runnable.push_back(prefix / name);
}

void add_disk(jail::FileAccess& access, const Disk& disk) {
  if (disk.format == DiskFormat::blank) return;
  (disk.is_read_only ? access.readable : access.writable).push_back(disk.path);
  if (!disk.base.empty()) access.readable.push_back(disk.base);
}

}  // namespace

jail::FileAccess access_of(const MachineSpec& spec, const std::optional<Snapshot>& from,
                           const fs::path& program) {
  jail::FileAccess access{.readable = {system_files.begin(), system_files.end()},
                          .runnable = {libraries.begin(), libraries.end()},
                          .writable = {},
                          .devices = {"/dev/null"}};
  add_program(access, program);
  if (spec.accelerator == Accelerator::kvm) access.devices.emplace_back("/dev/kvm");
  for (const auto& disk : spec.disks) add_disk(access, disk);
  if (!spec.memory_file.empty()) access.writable.push_back(spec.memory_file);
  if (from) {
    access.readable.push_back(from->memory);
    return access;
  }
  for (const auto& file : {spec.kernel, spec.initramfs}) access.readable.push_back(file);
  return access;
}

}  // namespace boxlite::engine::qemu
