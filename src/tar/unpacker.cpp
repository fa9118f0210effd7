// SPDX-License-Identifier: Apache-2.0
#include "tar/unpacker.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/scope_exit.h"

namespace boxlite::tar {
namespace {

constexpr std::size_t most_open_directories = 4096;
constexpr int create_flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}
const char* base_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return path.c_str() + (slash == path.npos ? 0 : slash + 1);
}
bool is_below(std::string_view path, std::string_view directory) {
  if (directory.empty()) return true;
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

timespec time_of(FileTime time) {
  return {.tv_sec = time.seconds, .tv_nsec = static_cast<long>(time.nanoseconds)};
}

Result<void> write_at(int file_fd, const ContentPiece& piece, const std::string& name) {
  auto bytes = piece.bytes;
  auto offset = piece.offset;
  while (!bytes.empty()) {
    const auto count = ::pwrite(file_fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("write", name, errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

Unpacker::Unpacker(int directory_fd, const UnpackOptions& options, std::optional<std::string> first_part,
                   AfterEntry after_entry)
    : root_(directory_fd),
      options_(options),
      first_part_(std::move(first_part)),
      after_entry_(std::move(after_entry)),
      on_made_([this](int parent_fd, const char* name) -> Result<void> {
        // A directory that the archive does not mention belongs to whom the rest belongs.
        if (options_.ownership != Ownership::fixed) return {};
        return own(parent_fd, name, options_.uid, options_.gid);
      }) {}

Result<void> Unpacker::unpack(TarReader& archive, TarEntry entry) {
  while (true) {
    BOXLITE_TRY(place(archive, entry));
    if (after_entry_) BOXLITE_TRY(after_entry_(report_));
    auto next = BOXLITE_TRY(archive.next());
    if (!next) break;
    entry = *std::move(next);
  }
  while (!open_directories_.empty()) {
    BOXLITE_TRY(finish_directory(open_directories_.back()));
    open_directories_.pop_back();
  }
  return {};
}

Result<std::string> Unpacker::target_name(std::string_view name) const {
  auto clean = BOXLITE_TRY(clean_name(name));
  if (!first_part_ || clean.empty()) return clean;
  const auto slash = clean.find('/');
  auto rest = slash == clean.npos ? std::string() : clean.substr(slash + 1);
  if (first_part_->empty()) return rest;
  return rest.empty() ? *first_part_ : concat(*first_part_, "/", rest);
}

Result<int> Unpacker::enter_parent(const std::string& path) {
  return root_.enter(parent_of(path), on_made_);
}

Result<void> Unpacker::place(TarReader& archive, const TarEntry& entry) {
  const auto path = BOXLITE_TRY(target_name(entry.name));
  BOXLITE_TRY(finish_directories(path));
  if (entry.kind == EntryKind::directory) return make_directory(path, entry);
  if (path.empty()) {
    return fail(ErrorCode::corrupted,
                concat("the archive holds a file without a name: ", in_quotes(entry.name)));
  }
  const bool is_device = entry.kind == EntryKind::char_device || entry.kind == EntryKind::block_device;
  if (is_device && !options_.allow_special) {
    ++report_.skipped_special;
    return {};
  }
  if (entry.kind == EntryKind::hard_link) return make_hard_link(path, entry);
  const int parent_fd = BOXLITE_TRY(enter_parent(path));
  if (entry.kind == EntryKind::file) return make_file(archive, parent_fd, base_of(path), entry);
  return make_other(parent_fd, base_of(path), entry);
}

// ---- directories -----------------------------------------------------------------------------------------

Result<void> Unpacker::make_directory(const std::string& path, const TarEntry& entry) {
  // Of the destination itself nothing is changed.
  if (path.empty()) return {};
  const int parent_fd = BOXLITE_TRY(enter_parent(path));
  const char* const name = base_of(path);
  // Writable for us until all is in it.
  if (::mkdirat(parent_fd, name, 0700) != 0) {
    if (errno != EEXIST) return fail(syscall_error("make directory", entry.name, errno));
    struct stat status = {};
    if (::fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail(syscall_error("stat", entry.name, errno));
    if (S_ISDIR(status.st_mode)) return {};
    return fail(ErrorCode::invalid_argument,
                concat("cannot put the directory ", in_quotes(entry.name), " in the place of a file"));
  }
  if (options_.ownership == Ownership::fixed) BOXLITE_TRY(own(parent_fd, name, options_.uid, options_.gid));
  if (options_.ownership == Ownership::archive) BOXLITE_TRY(own(parent_fd, name, entry.uid, entry.gid));
  if (!entry.xattrs.empty()) set_xattrs(BOXLITE_TRY(root_.open(path)).get(), entry);
  if (open_directories_.size() == most_open_directories) {
    return fail(ErrorCode::resource_exhausted, "the archive has too many directories inside each other");
  }
  open_directories_.push_back({path, mode_of(entry), entry.modified});
  return {};
}

// Mode and time of directories are set when nothing more comes into them: archives list a tree depth first.
Result<void> Unpacker::finish_directories(std::string_view path) {
  while (!open_directories_.empty() && !is_below(path, open_directories_.back().path)) {
    BOXLITE_TRY(finish_directory(open_directories_.back()));
    open_directories_.pop_back();
  }
  return {};
}

Result<void> Unpacker::finish_directory(const OpenDirectory& directory) {
  const UniqueFd open = BOXLITE_TRY(root_.open(directory.path));
  const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_of(directory.modified)};
  if (::futimens(open.get(), times) != 0) return fail(syscall_error("set time of", directory.path, errno));
  if (::fchmod(open.get(), directory.mode) != 0)
    return fail(syscall_error("change mode of", directory.path, errno));
  return {};
}

// ---- files -----------------------------------------------------------------------------------------------

std::uint32_t Unpacker::mode_of(const TarEntry& entry) const {
  if (options_.allow_special) return entry.mode & 07777;
  // A directory's sticky bit is a restriction; the others hand out rights.
  return entry.mode & (entry.kind == EntryKind::directory ? 01777 : 0777);
}

Result<void> Unpacker::make_file(TarReader& archive, int parent_fd, const char* name, const TarEntry& entry) {
  if (options_.max_bytes != 0 &&
      entry.size > options_.max_bytes - std::min(options_.max_bytes, report_.amount.bytes)) {
    return fail(ErrorCode::resource_exhausted,
                concat("unpack ", in_quotes(entry.name), ": the archive holds more than the limit of ",
                       options_.max_bytes, " bytes"));
  }
  const mode_t mode = options_.umask_is_clear ? mode_of(entry) & 0777 : 0600;
  UniqueFd file(::openat(parent_fd, name, create_flags, mode));
  bool is_ours = file.is_open();
  if (!is_ours) {
    if (errno != EEXIST) return fail(syscall_error("create", entry.name, errno));
    const auto way = BOXLITE_TRY(clear_way(parent_fd, name, entry));
    if (way == Way::is_blocked) return {};
    is_ours = way == Way::is_clear;
    const int flags = is_ours ? create_flags : O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    file.reset(::openat(parent_fd, name, flags, mode));
    if (!file.is_open()) return fail(syscall_error("create", entry.name, errno));
  }
  // Half a file is worse than none.
  ScopeExit discard([&] {
    if (is_ours) ::unlinkat(parent_fd, name, 0);
  });
  BOXLITE_TRY(fill_file(archive, file.get(), entry));
  if (is_ours) BOXLITE_TRY(finish_file(file.get(), entry));
  discard.release();
  ++report_.amount.files;
  return {};
}

Result<void> Unpacker::fill_file(TarReader& archive, int file_fd, const TarEntry& entry) {
  std::uint64_t end = 0;
  while (const auto piece = BOXLITE_TRY(archive.read_content())) {
    BOXLITE_TRY(write_at(file_fd, *piece, entry.name));
    end = piece->offset + piece->bytes.size();
    report_.amount.bytes += piece->bytes.size();
    if (after_entry_) BOXLITE_TRY(after_entry_(report_));
  }
  // A hole at the end.
  if (end < entry.size && ::ftruncate(file_fd, static_cast<off_t>(entry.size)) != 0)
    return fail(syscall_error("extend", entry.name, errno));
  return {};
}

// The owner first: changing it takes set-id bits and capabilities away.
Result<void> Unpacker::finish_file(int file_fd, const TarEntry& entry) {
  const bool is_fixed = options_.ownership == Ownership::fixed;
  const auto uid = is_fixed ? options_.uid : entry.uid;
  const auto gid = is_fixed ? options_.gid : entry.gid;
  // What we made belongs to root already where the umask is ours.
  const bool is_owned =
      options_.ownership == Ownership::caller || (options_.umask_is_clear && uid == 0 && gid == 0);
  if (!is_owned && ::fchown(file_fd, uid, gid) != 0)
    return fail(syscall_error("change owner of", entry.name, errno));
  const auto mode = mode_of(entry);
  const bool has_mode = options_.umask_is_clear && (mode & ~0777u) == 0;
  if (!has_mode && ::fchmod(file_fd, mode) != 0)
    return fail(syscall_error("change mode of", entry.name, errno));
  set_xattrs(file_fd, entry);
  const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_of(entry.modified)};
  if (::futimens(file_fd, times) != 0) return fail(syscall_error("set time of", entry.name, errno));
  return {};
}

// File systems without them (or without room for them) still take the file.
void Unpacker::set_xattrs(int file_fd, const TarEntry& entry) const {
  for (const auto& [name, value] : entry.xattrs) {
    const bool is_allowed =
        name.starts_with("user.") || (options_.allow_special && name == "security.capability");
    if (is_allowed) (void)::fsetxattr(file_fd, name.c_str(), value.data(), value.size(), 0);
  }
}

// ---- everything else -------------------------------------------------------------------------------------

Result<void> Unpacker::own(int parent_fd, const char* name, std::uint32_t uid, std::uint32_t gid) const {
  if (::fchownat(parent_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(syscall_error("change owner of", name, errno));
  return {};
}

Result<Unpacker::Way> Unpacker::clear_way(int parent_fd, const char* name, const TarEntry& entry) {
  struct stat status = {};
  if (::fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Way::is_clear;
    return fail(syscall_error("stat", entry.name, errno));
  }
  if (!options_.overwrite) {
    ++report_.skipped_existing;
    return Way::is_blocked;
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::invalid_argument,
                concat("cannot put the file ", in_quotes(entry.name), " in the place of a directory"));
  }
  if (::unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT) return Way::is_clear;
  // Something is mounted there: /etc/hosts of a box, for one.
  if (errno == EBUSY && S_ISREG(status.st_mode) && entry.kind == EntryKind::file) return Way::is_in_place;
  return fail(syscall_error("replace", entry.name, errno));
}

Result<void> Unpacker::make_hard_link(const std::string& path, const TarEntry& entry) {
  const auto target = BOXLITE_TRY(target_name(entry.link_target));
  // Two directories at once, so the cache of one does not do.
  const auto target_parent =
      BOXLITE_TRY_CONTEXT(concat("link ", in_quotes(entry.name)), root_.open(std::string(parent_of(target))));
  const int parent_fd = BOXLITE_TRY(enter_parent(path));
  const auto link = [&] {
    return ::linkat(target_parent.get(), base_of(target), parent_fd, base_of(path), 0) == 0;
  };
  if (!link()) {
    if (errno != EEXIST)
      return fail(syscall_error(concat("link ", in_quotes(entry.name), " to"), entry.link_target, errno));
    if (target == path) return {};
    if (BOXLITE_TRY(clear_way(parent_fd, base_of(path), entry)) == Way::is_blocked) return {};
    if (!link())
      return fail(syscall_error(concat("link ", in_quotes(entry.name), " to"), entry.link_target, errno));
  }
  ++report_.amount.files;
  return {};
}

Result<void> Unpacker::make_other(int parent_fd, const char* name, const TarEntry& entry) {
  const auto make = [&]() -> bool {
    const auto device = makedev(entry.device_major, entry.device_minor);
    switch (entry.kind) {
      case EntryKind::symlink: return ::symlinkat(entry.link_target.c_str(), parent_fd, name) == 0;
      case EntryKind::fifo: return ::mknodat(parent_fd, name, S_IFIFO | 0600, 0) == 0;
      case EntryKind::char_device: return ::mknodat(parent_fd, name, S_IFCHR | 0600, device) == 0;
      default: return ::mknodat(parent_fd, name, S_IFBLK | 0600, device) == 0;
    }
  };
  if (!make()) {
    if (errno != EEXIST) return fail(syscall_error("create", entry.name, errno));
    if (BOXLITE_TRY(clear_way(parent_fd, name, entry)) == Way::is_blocked) return {};
    if (!make()) return fail(syscall_error("create", entry.name, errno));
  }
  ++report_.amount.files;
  if (options_.ownership == Ownership::fixed) BOXLITE_TRY(own(parent_fd, name, options_.uid, options_.gid));
  if (options_.ownership == Ownership::archive) BOXLITE_TRY(own(parent_fd, name, entry.uid, entry.gid));
  // Symlinks have no mode, and there is no fchmodat() that would not follow one put in the place of a fifo.
  if (entry.kind != EntryKind::symlink) {
    const UniqueFd made(::openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status = {};
    const bool is_it = made.is_open() && ::fstat(made.get(), &status) == 0 && !S_ISLNK(status.st_mode);
    if (is_it) (void)::chmod(concat("/proc/self/fd/", made.get()).c_str(), mode_of(entry));
  }
  const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_of(entry.modified)};
  (void)::utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW);
  return {};
}

}  // namespace boxlite::tar
