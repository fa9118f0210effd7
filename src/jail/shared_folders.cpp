// SPDX-License-Identifier: Apache-2.0
#include "jail/shared_folders.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/real_path.h"
#include "linux/files/mounts.h"

namespace boxlite::jail {
namespace {

// QEMU, which acts for the guest, must not open a device or run a program that it finds there.
constexpr std::uint64_t harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Result<UniqueFd> make_mount_point(int writable_fd, const std::string& name, bool is_directory) {
  if (is_directory) {
    if (::mkdirat(writable_fd, name.c_str(), 0755) != 0) return fail(syscall_error("mkdir", name, errno));
    return UniqueFd();
  }
  UniqueFd file(::openat(writable_fd, name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (!file.is_open()) return fail(syscall_error("create", name, errno));
  return file;
}

void remove_mount_point(int writable_fd, const std::string& name) {
  if (::unlinkat(writable_fd, name.c_str(), AT_REMOVEDIR) != 0) ::unlinkat(writable_fd, name.c_str(), 0);
}

}  // namespace

Result<SharedFolders> SharedFolders::create(const std::filesystem::path& directory) {
  const auto what = concat("cover ", in_quotes(directory.native()));
  const auto place = BOXLITE_TRY(open_file(directory, O_PATH | O_DIRECTORY));
  const auto mount =
      BOXLITE_TRY_CONTEXT(what, linux_::new_mount("tmpfs", {{"mode", "0755"}, {"size", "1m"}}, harmless));
  auto writable = BOXLITE_TRY_CONTEXT(what, linux_::clone_mount(mount.get()));
  BOXLITE_TRY_CONTEXT(what, linux_::add_mount_attributes(mount.get(), MOUNT_ATTR_RDONLY));
  BOXLITE_TRY_CONTEXT(what, linux_::attach_mount(mount.get(), place.get()));
  auto root = BOXLITE_TRY(open_file(directory, O_PATH | O_DIRECTORY));
  // What is attached later is to arrive in the machine's own view of the file system.
  const auto path = concat("/proc/self/fd/", root.get());
  if (::mount(nullptr, path.c_str(), nullptr, MS_SHARED, nullptr) != 0)
    return fail(syscall_error("mount", directory.native(), errno));
  return SharedFolders(std::move(root), std::move(writable));
}

Result<void> SharedFolders::attach(const std::string& name, int source, bool is_read_only) {
  struct stat status = {};
  if (::fstat(source, &status) != 0) return fail(syscall_error("fstat", name, errno));
  BOXLITE_TRY(make_mount_point(writable_.get(), name, S_ISDIR(status.st_mode)));
  const auto attached = [&]() -> Result<void> {
    const auto mount = BOXLITE_TRY(linux_::clone_mount(source));
    BOXLITE_TRY(linux_::seal_mounts(mount.get(), harmless | (is_read_only ? MOUNT_ATTR_RDONLY : 0)));
    const UniqueFd place(::openat(root_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!place.is_open()) return fail(syscall_error("open", name, errno));
    return linux_::attach_mount(mount.get(), place.get());
  }();
  if (!attached) remove_mount_point(writable_.get(), name);
  return attached;
}

Result<void> SharedFolders::detach(const std::string& name) {
  // umount2 knows paths only; this one leads to our own directory, whatever its name has become.
  const auto path = concat("/proc/self/fd/", root_.get(), "/", name);
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    return fail(syscall_error("unmount", name, errno));
  remove_mount_point(writable_.get(), name);
  return {};
}

Result<UniqueFd> open_shareable(const std::filesystem::path& path) {
  auto opened = open_without_symlinks(path, O_PATH);
  if (!opened) {
    auto error = std::move(opened).error();
    if (error.code() != ErrorCode::not_found) return fail(std::move(error));
    return fail(std::move(error).with_remedy("make the directory, or give a path that exists"));
  }
  struct stat status = {};
  if (::fstat(opened->get(), &status) != 0) return fail(syscall_error("fstat", path.native(), errno));
  if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) return opened;
  return fail(Error(ErrorCode::unsupported,
                    concat(in_quotes(path.native()), " is neither a directory nor a regular file"))
                  .with_remedy("share the directory that holds it; sockets, devices and pipes do not work "
                               "across machines"));
}

}  // namespace boxlite::jail
