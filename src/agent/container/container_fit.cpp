// SPDX-License-Identifier: Apache-2.0
#include "agent/container/container_fit.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mount.h>

#include "agent/container/container_visit.h"
#include "agent/machine/console.h"
#include "base/concat.h"
#include "linux/files/mounts.h"

namespace boxlite::agent {
namespace {

constexpr std::array<const char*, 3> identity_paths{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

struct ReadOnlyMounts {
  int root;
  std::array<int, identity_paths.size()> files;
};

// As run by visit_mounts: the attributes of a mount can be changed in its own namespace only.
int set_read_only(void* argument) {
  const auto& mounts = *static_cast<ReadOnlyMounts*>(argument);
  struct mount_attr change = {};
  change.attr_set = MOUNT_ATTR_RDONLY;
  // One that is no mount of its own goes with the root.
  for (const int fd : mounts.files) {
    if (fd >= 0) ::mount_setattr(fd, "", AT_EMPTY_PATH, &change, sizeof change);
  }
  return ::mount_setattr(mounts.root, "", AT_EMPTY_PATH, &change, sizeof change) == 0 ? 0 : errno;
}

}  // namespace

std::string shm_size(std::uint64_t bytes) {
  return bytes == 0 ? std::string("50%") : concat(bytes);
}

Result<void> resize_shm(const Container& container, std::uint64_t bytes) {
  const auto place = BOXLITE_TRY(linux_::open_in_root(container.root_fd(), "/dev/shm", O_PATH | O_DIRECTORY));
  return linux_::change_mount_option(place.get(), {"size", shm_size(bytes)});
}

Result<void> make_root_read_only(const Container& container) {
  const int root_fd = container.root_fd();
  if (const auto made = linux_::open_or_make_directory(root_fd, container.defaults().working_dir); !made)
    log_line(made.error().message());
  ReadOnlyMounts mounts{root_fd, {}};
  std::array<UniqueFd, identity_paths.size()> files;
  for (std::size_t i = 0; i < files.size(); ++i) {
    // An image without room for one runs without it.
    if (auto file = linux_::open_in_root(root_fd, identity_paths[i], O_PATH)) files[i] = *std::move(file);
    mounts.files[i] = files[i].get();
  }
  const int os_error = BOXLITE_TRY(visit_mounts(container.mount_namespace(), set_read_only, &mounts));
  if (os_error == 0) return {};
  return fail(syscall_error("make read-only", "/", os_error));
}

}  // namespace boxlite::agent
