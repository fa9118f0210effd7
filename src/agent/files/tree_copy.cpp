// SPDX-License-Identifier: Apache-2.0
#include "agent/files/tree_copy.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/unique_fd.h"

namespace boxlite::agent {
namespace {

constexpr int deepest = 512;
constexpr std::size_t piece = 1u << 20;
constexpr std::size_t largest_attribute = 64u << 10;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Result<Directory> open_directory(int fd) {
  const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return fail(syscall_error("open", ".", errno));
  Directory directory(::fdopendir(copy));
  if (directory) return directory;
  const int os_error = errno;
  ::close(copy);
  return fail(syscall_error("fdopendir", ".", os_error));
}

// "." and ".." left out; empty at the end.
std::string_view next_name(DIR* directory) {
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return name;
  }
  return {};
}

class Copy {
 public:
  explicit Copy(int target_root) : target_root_(target_root) {}

  Result<void> directory(int source, int target, const std::string& path, int depth) {
    if (depth > deepest) return fail(ErrorCode::unsupported, concat("copy ", in_quotes(path), ": too deep"));
    const auto listing = BOXLITE_TRY(open_directory(source));
    while (true) {
      const std::string name(next_name(listing.get()));
      if (name.empty()) break;
      BOXLITE_TRY(entry(source, target, name, path.empty() ? name : concat(path, "/", name), depth));
    }
    struct stat status = {};
    if (::fstat(source, &status) != 0) return fail(syscall_error("fstat", path, errno));
    copy_attributes(source, target);
    return finish(target, "", status, path);
  }

 private:
  Result<void> entry(int source, int target, const std::string& name, const std::string& path, int depth) {
    struct stat status = {};
    if (::fstatat(source, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail(syscall_error("stat", path, errno));
    if (S_ISDIR(status.st_mode)) {
      const auto from = BOXLITE_TRY(open_at(source, name, O_RDONLY | O_DIRECTORY));
      if (::mkdirat(target, name.c_str(), 0700) != 0) return fail(syscall_error("mkdir", path, errno));
      const auto to = BOXLITE_TRY(open_at(target, name, O_RDONLY | O_DIRECTORY));
      return directory(from.get(), to.get(), path, depth + 1);
    }
    if (status.st_nlink > 1) {
      const auto [first, is_new] = links_.try_emplace(status.st_ino, path);
      if (!is_new && ::linkat(target_root_, first->second.c_str(), target, name.c_str(), 0) == 0) return {};
    }
    if (S_ISREG(status.st_mode)) return file(source, target, name, status, path);
    if (S_ISLNK(status.st_mode)) {
      BOXLITE_TRY(symlink(source, target, name, path));
    } else if (S_ISSOCK(status.st_mode)) {
      return {};
    } else if (::mknodat(target, name.c_str(), status.st_mode, status.st_rdev) != 0) {
      return fail(syscall_error("mknod", path, errno));
    }
    return finish(target, name.c_str(), status, path);
  }

  Result<void> file(int source, int target, const std::string& name, const struct stat& status,
                    const std::string& path) {
    const auto from = BOXLITE_TRY(open_at(source, name, O_RDONLY));
    const auto to = BOXLITE_TRY(open_at(target, name, O_WRONLY | O_CREAT | O_EXCL));
    while (true) {
      const auto count = ::sendfile(to.get(), from.get(), nullptr, piece);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(syscall_error("copy", path, errno));
      if (count == 0) break;
    }
    copy_attributes(from.get(), to.get());
    return finish(target, name.c_str(), status, path);
  }

  static Result<void> symlink(int source, int target, const std::string& name, const std::string& path) {
    std::array<char, PATH_MAX> text{};
    const auto length = ::readlinkat(source, name.c_str(), text.data(), text.size() - 1);
    if (length < 0) return fail(syscall_error("readlink", path, errno));
    if (::symlinkat(text.data(), target, name.c_str()) != 0)
      return fail(syscall_error("symlink", path, errno));
    return {};
  }

  static Result<UniqueFd> open_at(int directory, const std::string& name, int flags) {
    UniqueFd fd(::openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd.is_open()) return fail(syscall_error("open", name, errno));
    return fd;
  }

  // Owner first: a change of it takes set-user-id bits away. An empty name: the directory itself.
  static Result<void> finish(int directory, const char* name, const struct stat& status,
                             const std::string& path) {
    const bool is_self = *name == '\0';
    const int owned = is_self
                          ? ::fchown(directory, status.st_uid, status.st_gid)
                          : ::fchownat(directory, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
    if (owned != 0) return fail(syscall_error("chown", path, errno));
    const mode_t mode = status.st_mode & 07777;
    if (!S_ISLNK(status.st_mode)) {
      const int changed = is_self ? ::fchmod(directory, mode) : ::fchmodat(directory, name, mode, 0);
      if (changed != 0) return fail(syscall_error("chmod", path, errno));
    }
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    if (is_self)
      ::futimens(directory, times.data());
    else
      ::utimensat(directory, name, times.data(), AT_SYMLINK_NOFOLLOW);
    return {};
  }

  static void copy_attributes(int source, int target) {
    std::vector<char> names(largest_attribute);
    const auto length = ::flistxattr(source, names.data(), names.size());
    if (length <= 0) return;
    std::vector<char> value(largest_attribute);
    for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
      const char* const name = &names[at];
      const auto size = ::fgetxattr(source, name, value.data(), value.size());
      if (size >= 0) ::fsetxattr(target, name, value.data(), static_cast<std::size_t>(size), 0);
      at += std::string_view(name).size() + 1;
    }
  }

  int target_root_;
  std::map<ino_t, std::string> links_;  // the first name of what has several
};

}  // namespace

Result<void> copy_tree(int source_fd, int target_fd) {
  return Copy(target_fd).directory(source_fd, target_fd, "", 0);
}

Result<bool> is_empty_directory(int directory_fd) {
  const auto listing = BOXLITE_TRY(open_directory(directory_fd));
  return next_name(listing.get()).empty();
}

}  // namespace boxlite::agent
