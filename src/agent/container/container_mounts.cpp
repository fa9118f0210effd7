// SPDX-License-Identifier: Apache-2.0
#include "agent/container/container_mounts.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/container/container_devices.h"
#include "agent/container/container_fit.h"
#include "agent/machine/console.h"
#include "agent/machine/folders.h"
#include "agent/machine/machine.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "linux/files/mounts.h"

namespace boxlite::agent {
namespace {

constexpr std::uint64_t no_tricks = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// Docker's lists.
constexpr std::array<const char*, 12> masked_paths{
    "/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
    "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list", "/proc/timer_stats",   "/sys/firmware",     "/sys/devices/virtual/powercap"};
constexpr std::array<const char*, 5> read_only_paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                     "/proc/sysrq-trigger"};

Result<UniqueFd> copy_of(const std::string& path) {
  const auto place = BOXLITE_TRY(open_file(path, O_PATH));
  return linux_::clone_mount(place.get());
}

Result<void> mount_on(int root_fd, const char* target, const UniqueFd& mount) {
  const auto place = BOXLITE_TRY(linux_::open_or_make_directory(root_fd, target));
  return linux_::attach_mount(mount.get(), place.get());
}

Result<void> mount_new(int root_fd, const char* target, const char* type,
                       std::initializer_list<linux_::MountOption> options, std::uint64_t attributes) {
  const auto mount = BOXLITE_TRY(linux_::new_mount(type, options, attributes));
  return mount_on(root_fd, target, mount);
}

// The disk becomes the root of the namespace. pivot_root cannot do it, since the initramfs cannot be
// unmounted; what stays below the new root is the initramfs with its empty directories.
Result<UniqueFd> enter_root() {
  const auto root = BOXLITE_TRY(copy_of(root_dir));
  for (const char* old : {"/proc", "/sys", "/dev", "/run"}) {
    if (::umount2(old, MNT_DETACH) != 0) return fail(syscall_error("unmount", old, errno));
  }
  const auto place = BOXLITE_TRY(open_file("/", O_PATH));
  BOXLITE_TRY(linux_::attach_mount(root.get(), place.get()));
  if (::fchdir(root.get()) != 0 || ::chroot(".") != 0) return fail(syscall_error("chroot", root_dir, errno));
  return open_file("/", O_PATH | O_DIRECTORY);
}

Result<void> bind_identity_file(int root_fd, const UniqueFd& mount, const char* target) {
  const auto place = linux_::open_or_make_file(root_fd, target);
  if (place) {
    const auto done = linux_::attach_mount(mount.get(), place->get());
    if (done) return {};
    log_line(concat(target, ": ", done.error().message()));
    return {};
  }
  // An image without room for the file (a read-only disk, a symlink loop) runs without it.
  log_line(concat(target, ": ", place.error().message()));
  return {};
}

Result<void> mask(int root_fd, const char* path) {
  const auto place = linux_::open_in_root(root_fd, path, O_PATH);
  struct stat status = {};
  if (!place || ::fstat(place->get(), &status) != 0) return {};
  const auto cover = BOXLITE_TRY(
      S_ISDIR(status.st_mode) ? linux_::new_mount("tmpfs", {{"size", "0"}}, MOUNT_ATTR_RDONLY | no_tricks)
                              : copy_of("/dev/null"));
  return linux_::attach_mount(cover.get(), place->get());
}

Result<void> make_read_only(int root_fd, const char* path) {
  const auto place = linux_::open_in_root(root_fd, path, O_PATH);
  if (!place) return {};
  const auto copy = BOXLITE_TRY(linux_::clone_mount(place->get()));
  BOXLITE_TRY(linux_::add_mount_attributes(copy.get(), MOUNT_ATTR_RDONLY | no_tricks));
  return linux_::attach_mount(copy.get(), place->get());
}

Result<void> mount_kernel_views(int root_fd, const wire::msg::ContainerSpec& spec) {
  const std::uint64_t writable = spec.privileged() ? 0 : MOUNT_ATTR_RDONLY;
  const std::uint64_t cgroups_writable = spec.writable_cgroups() ? 0 : writable;
  BOXLITE_TRY(mount_new(root_fd, "/proc", "proc", {}, no_tricks));
  BOXLITE_TRY(mount_new(root_fd, "/sys", "sysfs", {}, no_tricks | writable));
  BOXLITE_TRY(mount_new(root_fd, "/sys/fs/cgroup", "cgroup2", {}, no_tricks | cgroups_writable));
  return {};
}

Result<void> mount_devices(int root_fd, const std::vector<DeviceNode>& nodes, std::uint64_t shm_bytes) {
  BOXLITE_TRY(mount_new(root_fd, "/dev", "tmpfs", {{"mode", "0755"}, {"size", "64m"}},
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  BOXLITE_TRY(make_device_nodes(nodes));
  BOXLITE_TRY(mount_new(root_fd, "/dev/pts", "devpts", {{"mode", "0620"}, {"gid", "5"}, {"ptmxmode", "0666"}},
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  BOXLITE_TRY(
      mount_new(root_fd, "/dev/shm", "tmpfs", {{"mode", "1777"}, {"size", shm_size(shm_bytes)}}, no_tricks));
  // Not every kernel has message queues.
  if (const auto done = mount_new(root_fd, "/dev/mqueue", "mqueue", {}, no_tricks); !done) {
    log_line(done.error().message());
  }
  return {};
}

}  // namespace

Result<void> build_container_mounts(const wire::msg::ContainerSpec& spec) {
  // Copies of what the agent's namespace has, taken before that goes out of reach.
  const auto hosts = BOXLITE_TRY(copy_of(concat(identity_dir, "/hosts")));
  const auto hostname = BOXLITE_TRY(copy_of(concat(identity_dir, "/hostname")));
  const auto resolver = BOXLITE_TRY(copy_of(concat(identity_dir, "/resolv.conf")));
  const auto nodes = BOXLITE_TRY(container_device_nodes(spec.privileged()));
  std::vector<DetachedMount> folders;
  for (const auto& mount : spec.mounts()) {
    auto detached = BOXLITE_TRY_CONTEXT(concat("mount ", in_quotes(mount.target())), detached_mount(mount));
    folders.push_back(std::move(detached));
  }
  const auto root = BOXLITE_TRY(enter_root());
  const int root_fd = root.get();
  BOXLITE_TRY(mount_kernel_views(root_fd, spec));
  BOXLITE_TRY(mount_devices(root_fd, nodes, spec.shm_bytes()));
  BOXLITE_TRY(bind_identity_file(root_fd, hosts, "/etc/hosts"));
  BOXLITE_TRY(bind_identity_file(root_fd, hostname, "/etc/hostname"));
  BOXLITE_TRY(bind_identity_file(root_fd, resolver, "/etc/resolv.conf"));
  if (!spec.privileged()) {
    for (const char* path : masked_paths) BOXLITE_TRY_CONTEXT(concat("mask ", path), mask(root_fd, path));
    for (const char* path : read_only_paths) BOXLITE_TRY(make_read_only(root_fd, path));
  }
  for (const auto& folder : folders)
    BOXLITE_TRY_CONTEXT(concat("mount ", in_quotes(folder.target)), attach(root_fd, folder));
  return {};
}

}  // namespace boxlite::agent
