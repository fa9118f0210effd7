// SPDX-License-Identifier: Apache-2.0
#include "linux/files/mounts.h"

#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

// The context of fsopen keeps messages such as "e ext4: Unknown parameter 'x'".
Error mount_error(std::string_view call, std::string_view type, int context_fd) {
  const int os_error = errno;
  std::array<char, 256> text{};
  const auto count = ::read(context_fd, text.data(), text.size());
  Error error = syscall_error(call, type, os_error);
  if (count <= 2) return error;
  std::string_view message(text.data() + 2, static_cast<std::size_t>(count) - 2);
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  return Error(error.code(), concat(error.message(), " (", message, ")"), os_error);
}

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

Result<std::string> read_link_in_root(int root_fd, const std::string& path) {
  const auto link = BOXLITE_TRY(open_in_root(root_fd, path, O_PATH | O_NOFOLLOW));
  std::array<char, PATH_MAX> target{};
  const auto length = ::readlinkat(link.get(), "", target.data(), target.size());
  if (length < 0) return fail(syscall_error("readlink", path, errno));
  return std::string(target.data(), static_cast<std::size_t>(length));
}

}  // namespace

Result<UniqueFd> new_mount(const std::string& type, std::initializer_list<MountOption> options,
                           std::uint64_t attributes) {
  const UniqueFd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context.is_open()) return fail(syscall_error("fsopen", type, errno));
  for (const auto& [key, value] : options) {
    const bool is_flag = value.empty();
    if (::fsconfig(context.get(), is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                   is_flag ? nullptr : value.c_str(), 0) != 0) {
      return fail(mount_error("fsconfig", concat(type, " ", key), context.get()));
    }
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return fail(mount_error("mount", type, context.get()));
  }
  UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!mount.is_open()) return fail(mount_error("fsmount", type, context.get()));
  return mount;
}

Result<UniqueFd> clone_mount(int source_fd) {
  UniqueFd mount(
      ::open_tree(source_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE));
  if (!mount.is_open()) return fail(syscall_error("open_tree", "", errno));
  return mount;
}

Result<void> add_mount_attributes(int mount_fd, std::uint64_t attributes) {
  struct mount_attr change = {};
  change.attr_set = attributes;
  if (::mount_setattr(mount_fd, "", AT_EMPTY_PATH, &change, sizeof change) == 0) return {};
  return fail(syscall_error("mount_setattr", "", errno));
}

Result<void> seal_mounts(int mount_fd, std::uint64_t attributes) {
  struct mount_attr change = {};
  change.attr_set = attributes;
  change.propagation = MS_PRIVATE;
  if (::mount_setattr(mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) == 0) return {};
  return fail(syscall_error("mount_setattr", "", errno));
}

Result<void> change_mount_option(int mount_fd, const MountOption& option) {
  const auto& [key, value] = option;
  const UniqueFd context(::fspick(mount_fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
  if (!context.is_open()) return fail(syscall_error("fspick", "", errno));
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0)
    return fail(mount_error("fsconfig", key, context.get()));
  return {};
}

Result<void> attach_mount(int mount_fd, int target_fd) {
  if (::move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
    return {};
  return fail(syscall_error("move_mount", "", errno));
}

Result<UniqueFd> open_in_root(int root_fd, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int fd;
  // EAGAIN: a rename raced with the walk and the kernel could not be sure of "..".
  do fd = static_cast<int>(::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof how));
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return fail(syscall_error("open", path, errno));
  return UniqueFd(fd);
}

Result<UniqueFd> open_or_make_directory(int root_fd, std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string whole(path.empty() ? "." : path);
  auto directory = open_in_root(root_fd, whole, O_PATH | O_DIRECTORY);
  if (directory || directory.error().os_error() != ENOENT || path.empty()) return directory;
  const auto parent = BOXLITE_TRY(open_or_make_directory(root_fd, parent_of(path)));
  const std::string name(path.substr(path.rfind('/') + 1));
  if (!name.empty() && ::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail(syscall_error("mkdir", path, errno));
  }
  return open_in_root(root_fd, whole, O_PATH | O_DIRECTORY);
}

Result<UniqueFd> open_or_make_file(int root_fd, const std::string& path) {
  std::string place = path;
  for (int links = 0; links < 8; ++links) {
    auto file = open_in_root(root_fd, place, O_PATH);
    if (file || file.error().os_error() != ENOENT) return file;
    const auto target = read_link_in_root(root_fd, place);
    if (target) {
      place = target->starts_with('/') ? *target : concat(parent_of(place), "/", *target);
      continue;
    }
    BOXLITE_TRY(open_or_make_directory(root_fd, parent_of(place)));
    BOXLITE_TRY(open_in_root(root_fd, place, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644));
  }
  return fail(ErrorCode::corrupted, concat("make file ", in_quotes(path), ": too many symlinks"));
}

}  // namespace boxlite::linux_
