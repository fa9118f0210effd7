// SPDX-License-Identifier: Apache-2.0
#include "disk/directory_writer.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::disk {
namespace {

constexpr std::string_view override_xattr = "user.containers.override_stat";

Result<void> check(int outcome, std::string_view call, std::string_view object) {
  if (outcome == 0) return {};
  return fail(syscall_error(call, object, errno));
}

Result<UniqueFd> open_at(int directory_fd, const std::string& name, int flags, mode_t mode = 0) {
  UniqueFd file(::openat(directory_fd, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.is_open()) return fail(syscall_error("open", name, errno));
  return file;
}

timespec to_timespec(FileTime time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

std::string octal(std::uint32_t number) {
  std::string digits;
  for (; number > 0; number >>= 3) digits.insert(digits.begin(), static_cast<char>('0' + (number & 7)));
  return concat('0', digits);
}

// What podman's storage writes, so that its tools read it.
std::string override_text(const Inode& inode) {
  std::string text = concat(inode.uid, ':', inode.gid, ':', octal(inode.mode));
  if (inode.kind == EntryKind::char_device)
    return concat(text, ":char-", inode.device_major, '-', inode.device_minor);
  if (inode.kind == EntryKind::block_device) {
    return concat(text, ":block-", inode.device_major, '-', inode.device_minor);
  }
  return text;
}

bool is_device(const Inode& inode) {
  return inode.kind == EntryKind::char_device || inode.kind == EntryKind::block_device;
}

}  // namespace

Result<DirectoryWriter> DirectoryWriter::open(const std::filesystem::path& root, bool is_exact) {
  TempDir staging_directory = BOXLITE_TRY(TempDir::create(root, ".boxlite-export-"));
  UniqueFd root_fd = BOXLITE_TRY(open_file(root, O_RDONLY | O_DIRECTORY));
  UniqueFd staging_fd = BOXLITE_TRY(open_file(staging_directory.path(), O_RDONLY | O_DIRECTORY));
  return DirectoryWriter(std::move(staging_directory), std::move(root_fd), std::move(staging_fd), is_exact);
}

Result<void> DirectoryWriter::begin(Inode& file) {
  file.number = next_number_++;
  current_ = BOXLITE_TRY(open_at(staging_.get(), concat(file.number), O_WRONLY | O_CREAT | O_EXCL, 0600));
  return {};
}

Result<void> DirectoryWriter::write(Inode&, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(current_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(syscall_error("write", "exported file", errno));
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Result<void> DirectoryWriter::end(Inode& file) {
  const UniqueFd finished = std::move(current_);
  BOXLITE_TRY(check(::ftruncate(finished.get(), static_cast<off_t>(file.size)), "truncate", "exported file"));
  return set_metadata(finished.get(), file);
}

Result<void> DirectoryWriter::discard(Inode& file) {
  return check(::unlinkat(staging_.get(), concat(file.number).c_str(), 0), "remove", "replaced file");
}

Result<void> DirectoryWriter::finish(FileTree& tree) {
  BOXLITE_TRY(fill(root_.get(), tree.root()));
  staging_directory_.reset();  // before the root's own times are set
  return set_metadata(root_.get(), tree.root());
}

Result<void> DirectoryWriter::fill(int directory_fd, const Inode& directory) {
  for (const auto& [name, link] : directory.children) {
    BOXLITE_TRY_CONTEXT(concat("export ", in_quotes(name)), place(directory_fd, name, *link.inode));
  }
  return {};
}

Result<void> DirectoryWriter::place(int directory_fd, const std::string& name, Inode& inode) {
  if (inode.is_directory()) {
    BOXLITE_TRY(check(::mkdirat(directory_fd, name.c_str(), 0700), "create directory", name));
    const UniqueFd made = BOXLITE_TRY(open_at(directory_fd, name, O_RDONLY | O_DIRECTORY));
    BOXLITE_TRY(fill(made.get(), inode));
    return set_metadata(made.get(), inode);
  }
  if (inode.links == 1 && inode.kind != EntryKind::file) return make_node(directory_fd, name, inode);
  // Files wait in staging; other things with several names are made there first.
  const bool is_new = inode.number == 0;
  if (is_new) inode.number = next_number_++;
  const std::string staged = concat(inode.number);
  if (is_new) BOXLITE_TRY(make_node(staging_.get(), staged, inode));
  if (inode.links == 1) {
    return check(::renameat(staging_.get(), staged.c_str(), directory_fd, name.c_str()), "rename", name);
  }
  return check(::linkat(staging_.get(), staged.c_str(), directory_fd, name.c_str(), 0), "link", name);
}

Result<void> DirectoryWriter::make_node(int directory_fd, const std::string& name, const Inode& inode) {
  if (inode.kind == EntryKind::symlink) {
    BOXLITE_TRY(
        check(::symlinkat(inode.symlink_target.c_str(), directory_fd, name.c_str()), "create symlink", name));
    return set_symlink_metadata(directory_fd, name, inode);
  }
  if (BOXLITE_TRY(make_special(directory_fd, name, inode))) {
    // A device cannot be opened safely, but nothing else can be at a name we have just made.
    const std::string path = concat("/proc/self/fd/", directory_fd, '/', name);
    BOXLITE_TRY(check(::fchownat(directory_fd, name.c_str(), inode.uid, inode.gid, AT_SYMLINK_NOFOLLOW),
                      "chown", name));
    BOXLITE_TRY(check(::fchmodat(directory_fd, name.c_str(), inode.mode, 0), "chmod", name));
    for (const Xattr& xattr : inode.xattrs) {
      if (::lsetxattr(path.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) != 0)
        ++lost_xattrs_;
    }
    const timespec times[2] = {to_timespec(inode.accessed), to_timespec(inode.modified)};
    return check(::utimensat(directory_fd, name.c_str(), times, AT_SYMLINK_NOFOLLOW), "set times of", name);
  }
  const UniqueFd placeholder = BOXLITE_TRY(open_at(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return set_metadata(placeholder.get(), inode);
}

// False when only a placeholder is possible: devices without the right to make them.
Result<bool> DirectoryWriter::make_special(int directory_fd, const std::string& name, const Inode& inode) {
  if (!is_exact_) return false;
  const mode_t type = inode.kind == EntryKind::fifo          ? S_IFIFO
                      : inode.kind == EntryKind::char_device ? S_IFCHR
                                                             : S_IFBLK;
  const dev_t device = is_device(inode) ? makedev(inode.device_major, inode.device_minor) : 0;
  if (::mknodat(directory_fd, name.c_str(), type | 0600, device) == 0) return true;
  if (errno == EPERM && is_device(inode)) return false;
  return fail(syscall_error("create device", name, errno));
}

Result<void> DirectoryWriter::set_metadata(int fd, const Inode& inode) {
  const bool is_real = is_exact_ && !is_device(inode);
  if (is_real) BOXLITE_TRY(check(::fchown(fd, inode.uid, inode.gid), "chown", "exported file"));
  for (const Xattr& xattr : inode.xattrs) BOXLITE_TRY(set_xattr(fd, xattr.name, xattr.value));
  if (!is_real) BOXLITE_TRY(set_xattr(fd, std::string(override_xattr), override_text(inode)));
  const mode_t readable = inode.is_directory() ? 0700 : 0600;
  const mode_t mode = is_real ? inode.mode : (inode.mode & 0777) | readable;
  BOXLITE_TRY(check(::fchmod(fd, mode), "chmod", "exported file"));
  const timespec times[2] = {to_timespec(inode.accessed), to_timespec(inode.modified)};
  return check(::futimens(fd, times), "set times of", "exported file");
}

Result<void> DirectoryWriter::set_symlink_metadata(int directory_fd, const std::string& name,
                                                   const Inode& inode) {
  if (is_exact_) {
    BOXLITE_TRY(check(::fchownat(directory_fd, name.c_str(), inode.uid, inode.gid, AT_SYMLINK_NOFOLLOW),
                      "chown", name));
    const std::string path = concat("/proc/self/fd/", directory_fd, '/', name);
    for (const Xattr& xattr : inode.xattrs) {
      if (::lsetxattr(path.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) != 0)
        ++lost_xattrs_;
    }
  }
  const timespec times[2] = {to_timespec(inode.accessed), to_timespec(inode.modified)};
  return check(::utimensat(directory_fd, name.c_str(), times, AT_SYMLINK_NOFOLLOW), "set times of", name);
}

// File systems and rights differ in what they store; what they refuse is counted, as umoci skips it too.
Result<void> DirectoryWriter::set_xattr(int fd, const std::string& name, std::string_view value) {
  if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) return {};
  if (errno == ENOTSUP || errno == EPERM || errno == EACCES || errno == EINVAL) {
    ++lost_xattrs_;
    return {};
  }
  return fail(syscall_error("set extended attribute", name, errno));
}

}  // namespace boxlite::disk
