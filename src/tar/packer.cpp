// SPDX-License-Identifier: Apache-2.0
#include "tar/packer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "tar/tar_fields.h"

namespace boxlite::tar {
namespace {

constexpr std::size_t entries_bytes = 16u << 10;
constexpr std::size_t most_levels = 1000;
constexpr std::size_t longest_path = 4096;
constexpr std::size_t most_regions = 100'000;
constexpr std::size_t largest_xattr_list = 64u << 10;
constexpr std::size_t most_xattr_bytes = 48u << 10;
// Of a file that the kernel makes while it is read; some never end.
constexpr std::size_t largest_view = 4u << 20;
constexpr std::size_t view_piece = 64u << 10;
constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Not in <linux/magic.h> of every kernel.
constexpr long mqueue_magic = 0x19800202;

// Whether a file or directory shows the kernel's own things, which nobody means when copying a tree around
// them.
bool is_kernel_view(int file_fd) {
  struct statfs facts = {};
  if (::fstatfs(file_fd, &facts) != 0) return false;
  constexpr std::array<long, 11> views{PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
                                       CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
                                       TRACEFS_MAGIC,       SECURITYFS_MAGIC,   BPF_FS_MAGIC,
                                       EFIVARFS_MAGIC,      mqueue_magic};
  return std::ranges::find(views, static_cast<long>(facts.f_type)) != views.end();
}

bool is_kept_xattr(std::string_view name) {
  return name.starts_with("user.") || name == "security.capability";
}

std::optional<EntryKind> kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return EntryKind::file;
    case S_IFDIR: return EntryKind::directory;
    case S_IFLNK: return EntryKind::symlink;
    case S_IFCHR: return EntryKind::char_device;
    case S_IFBLK: return EntryKind::block_device;
    case S_IFIFO: return EntryKind::fifo;
    default: return std::nullopt;
  }
}

// Where a file has content. Nothing: it is not worth while, or the file system cannot tell.
std::vector<Region> find_regions(int file_fd, std::uint64_t size) {
  std::vector<Region> regions;
  off_t at = 0;
  while (std::cmp_less(at, size)) {
    const off_t begin = ::lseek(file_fd, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;
    if (begin < 0 || regions.size() == most_regions) return {};
    const off_t end = ::lseek(file_fd, begin, SEEK_HOLE);
    if (end <= begin) return {};
    if (std::cmp_greater_equal(begin, size)) break;
    const auto length =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(end), size) - static_cast<std::uint64_t>(begin);
    regions.push_back({static_cast<std::uint64_t>(begin), length});
    at = end;
  }
  // An empty region at the end is how GNU tar learns of a hole there.
  const bool ends_in_hole = regions.empty() || regions.back().offset + regions.back().length < size;
  if (ends_in_hole) regions.push_back({size, 0});
  return regions;
}

bool is_whole(const std::vector<Region>& regions, std::uint64_t size) {
  return regions.empty() || (regions.size() == 1 && regions[0].offset == 0 && regions[0].length == size);
}

}  // namespace

// Of one entry of a tree; without the one that was asked for there is nothing to copy.
Result<void> Packer::skip(std::string_view call, int os_error) {
  // ESRCH: of a process that has ended.
  const bool is_gone = os_error == ENOENT || os_error == ENOTDIR || os_error == ELOOP || os_error == ESRCH;
  if (is_gone && !is_top_) return {};
  return skip(syscall_error(call, path_, os_error));
}

Result<void> Packer::skip(Error why) {
  if (is_top_) return fail(std::move(why));
  if (skipped_++ == 0) first_skipped_ = std::move(why);
  return {};
}

Result<void> Packer::outcome() const {
  if (!first_skipped_) return {};
  const auto others = skipped_ == 1 ? std::string() : concat(" (and ", skipped_ - 1, " more)");
  return fail(
      Error(first_skipped_->code(), concat(first_skipped_->message(), others), first_skipped_->os_error())
          .with_remedy("the rest was copied"));
}

Result<void> Packer::add(int directory_fd, const std::string& name, std::string archive_name) {
  path_ = std::move(archive_name);
  struct stat status = {};
  if (::fstatat(directory_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(syscall_error("stat", path_, errno));
  if (S_ISSOCK(status.st_mode)) {
    return fail(ErrorCode::invalid_argument,
                concat("copy ", in_quotes(path_), ": a socket cannot be copied"));
  }
  top_device_ = status.st_dev;
  is_top_ = true;
  BOXLITE_TRY(visit(directory_fd, name.c_str(), DT_UNKNOWN));
  is_top_ = false;
  while (depth_ > 0) BOXLITE_TRY(step());
  return {};
}

Result<void> Packer::finish() {
  const std::array<char, 2 * tar_block> zeros{};
  return write({zeros.data(), zeros.size()});
}

Result<void> Packer::step() {
  auto& level = levels_[depth_ - 1];
  if (level.begin == level.end) {
    const auto count = ::getdents64(level.fd.get(), level.entries.data(), level.entries.size());
    if (count < 0) {
      path_.resize(level.path_length);
      const int os_error = errno;
      level.fd.reset();
      --depth_;
      return skip("read directory", os_error);
    }
    level.begin = 0;
    level.end = static_cast<std::size_t>(count);
    if (count == 0) {
      level.fd.reset();
      --depth_;
      return {};
    }
  }
  const char* const place = level.entries.data() + level.begin;
  const auto* const entry = reinterpret_cast<const dirent64*>(place);
  level.begin += entry->d_reclen;
  const std::string_view name = entry->d_name;
  if (name == "." || name == "..") return {};
  path_.resize(level.path_length);
  path_ += '/';
  path_ += name;
  if (path_.size() > longest_path) {
    return fail(ErrorCode::invalid_argument, concat("copy ", in_quotes(path_.substr(0, 200)),
                                                    "…: the path is longer than ", longest_path, " bytes"));
  }
  return visit(level.fd.get(), entry->d_name, entry->d_type);
}

Result<void> Packer::visit(int directory_fd, const char* name, unsigned char type) {
  if (type == DT_REG) return visit_file(directory_fd, name);
  if (type == DT_DIR) return visit_directory(directory_fd, name);
  if (type == DT_SOCK) return {};
  struct stat status = {};
  if (::fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return skip("stat", errno);
  if (S_ISREG(status.st_mode)) return visit_file(directory_fd, name);
  if (S_ISDIR(status.st_mode)) return visit_directory(directory_fd, name);
  return visit_other(directory_fd, name, status);
}

void Packer::describe(const struct stat& status, EntryKind kind) {
  entry_.kind = kind;
  entry_.name = path_;
  entry_.link_target.clear();
  entry_.mode = status.st_mode & 07777;
  entry_.uid = status.st_uid;
  entry_.gid = status.st_gid;
  entry_.device_major = major(status.st_rdev);
  entry_.device_minor = minor(status.st_rdev);
  entry_.size = kind == EntryKind::file ? static_cast<std::uint64_t>(status.st_size) : 0;
  entry_.modified = {status.st_mtim.tv_sec, static_cast<std::uint32_t>(status.st_mtim.tv_nsec)};
  entry_.xattrs.clear();
}

void Packer::read_xattrs(int file_fd) {
  if (xattr_names_.empty()) xattr_names_.resize(largest_xattr_list);
  const auto length = ::flistxattr(file_fd, xattr_names_.data(), xattr_names_.size());
  if (length <= 0) return;
  std::size_t total = 0;
  for (std::string_view rest(xattr_names_.data(), static_cast<std::size_t>(length)); !rest.empty();) {
    const std::string name(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (!is_kept_xattr(name)) continue;
    std::string value(most_xattr_bytes - total, '\0');
    const auto size = ::fgetxattr(file_fd, name.c_str(), value.data(), value.size());
    if (size < 0) continue;
    value.resize(static_cast<std::size_t>(size));
    total += value.size() + name.size();
    entry_.xattrs.push_back({name, std::move(value)});
    if (total >= most_xattr_bytes) return;
  }
}

Result<void> Packer::visit_file(int directory_fd, const char* name) {
  const UniqueFd file(::openat(directory_fd, name, open_flags));
  if (!file.is_open()) return skip("open", errno);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return fail(syscall_error("stat", path_, errno));
  // It was replaced meanwhile.
  if (!S_ISREG(status.st_mode)) return skip("open", ENOENT);
  return pack_file(file.get(), status);
}

Result<void> Packer::pack_file(int file_fd, const struct stat& status) {
  ++amount_.files;
  describe(status, EntryKind::file);
  if (status.st_nlink > 1) {
    if (const auto* const first = links_.find_or_add(status.st_dev, status.st_ino, path_)) {
      entry_.kind = EntryKind::hard_link;
      entry_.link_target = *first;
      return write_headers();
    }
  }
  // What is made as it is read has no blocks.
  if (status.st_blocks == 0 && is_kernel_view(file_fd)) return pack_view(file_fd);
  read_xattrs(file_fd);
  std::vector<Region> regions;
  const bool may_have_holes = status.st_blocks < status.st_size / 512;
  if (may_have_holes) regions = find_regions(file_fd, entry_.size);
  if (is_whole(regions, entry_.size)) {
    regions.assign(1, {0, entry_.size});
    BOXLITE_TRY(write_headers());
  } else {
    headers_.clear();
    append_sparse_headers(headers_, entry_, regions);
    BOXLITE_TRY(write(headers_));
  }
  std::uint64_t stored = 0;
  for (const auto& region : regions) {
    BOXLITE_TRY(pack_content(file_fd, region));
    stored += region.length;
  }
  amount_.bytes += stored;
  return pad(stored);
}

// Its size is known when it has been read.
Result<void> Packer::pack_view(int file_fd) {
  auto content = read_view(file_fd);
  if (!content) {
    --amount_.files;
    return skip(std::move(content).error());
  }
  entry_.size = content->size();
  amount_.bytes += content->size();
  BOXLITE_TRY(write_headers());
  BOXLITE_TRY(write(*content));
  return pad(content->size());
}

Result<std::string> Packer::read_view(int file_fd) {
  std::string content;
  std::vector<char> buffer(view_piece);
  while (true) {
    const auto count = ::read(file_fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", path_, errno));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > largest_view) {
      return fail(
          ErrorCode::resource_exhausted,
          concat("read ", in_quotes(path_), ": it has no size, and more than ", largest_view, " bytes"));
    }
  }
}

Result<void> Packer::pack_content(int file_fd, const Region& region) {
  std::uint64_t at = region.offset;
  const std::uint64_t end = region.offset + region.length;
  while (at < end) {
    const auto room = BOXLITE_TRY(sink_.room());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), end - at));
    auto count = ::pread(file_fd, room.data(), wanted, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", path_, errno));
    if (count == 0) {
      // The header has promised these bytes.
      std::memset(room.data(), 0, wanted);
      count = static_cast<ssize_t>(wanted);
    }
    at += static_cast<std::uint64_t>(count);
    BOXLITE_TRY(sink_.commit(static_cast<std::size_t>(count)));
  }
  return {};
}

Result<void> Packer::pad(std::uint64_t content) {
  const std::array<char, tar_block> zeros{};
  return write({zeros.data(), static_cast<std::size_t>((tar_block - content % tar_block) % tar_block)});
}

Result<void> Packer::visit_directory(int directory_fd, const char* name) {
  UniqueFd directory(::openat(directory_fd, name, open_flags | O_DIRECTORY));
  if (!directory.is_open()) return skip("open directory", errno);
  struct stat status = {};
  if (::fstat(directory.get(), &status) != 0) return fail(syscall_error("stat", path_, errno));
  describe(status, EntryKind::directory);
  entry_.name += '/';
  read_xattrs(directory.get());
  BOXLITE_TRY(write_headers());
  if (status.st_dev != top_device_ && is_kernel_view(directory.get())) return {};
  if (depth_ == most_levels) {
    return fail(ErrorCode::resource_exhausted, concat("copy ", in_quotes(path_), ": more than ", most_levels,
                                                      " directories inside each other"));
  }
  if (levels_.size() == depth_) levels_.emplace_back();
  auto& level = levels_[depth_++];
  level.fd = std::move(directory);
  level.entries.resize(entries_bytes);
  level.begin = level.end = 0;
  level.path_length = path_.size();
  return {};
}

Result<void> Packer::visit_other(int directory_fd, const char* name, const struct stat& status) {
  const auto kind = kind_of(status.st_mode);
  if (!kind) return {};
  ++amount_.files;
  describe(status, *kind);
  if (*kind == EntryKind::symlink) {
    entry_.link_target.resize(longest_path);
    const auto length =
        ::readlinkat(directory_fd, name, entry_.link_target.data(), entry_.link_target.size());
    if (length < 0) return skip("read link", errno);
    entry_.link_target.resize(static_cast<std::size_t>(length));
  }
  return write_headers();
}

Result<void> Packer::write_headers() {
  headers_.clear();
  append_headers(headers_, entry_);
  return write(headers_);
}

Result<void> Packer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = BOXLITE_TRY(sink_.room());
    const auto count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    BOXLITE_TRY(sink_.commit(count));
    bytes.remove_prefix(count);
  }
  return {};
}

}  // namespace boxlite::tar
