// SPDX-License-Identifier: Apache-2.0
#include "tar/safe_directory.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::tar {
namespace {

// -1 with errno on failure. One call for the whole path where the kernel has it (Linux 5.6).
int open_beneath(int directory_fd, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory_fd, path, &how, sizeof how));
}

Error not_entered(std::string_view path, int os_error) {
  if (os_error == ELOOP || os_error == ENOTDIR) {
    return Error(ErrorCode::invalid_argument,
                 concat("enter ", in_quotes(path),
                        ": a part of it is a symlink or no directory, and an archive is never "
                        "unpacked through one"))
        .with_remedy("name the real directory as the destination");
  }
  return syscall_error("enter", path, os_error);
}

}  // namespace

Result<std::string> clean_name(std::string_view name) {
  std::string clean;
  for (auto rest = name; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      return fail(ErrorCode::corrupted,
                  concat("the archive names ", in_quotes(name), ", which leads out of its destination"));
    }
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

Result<int> SafeDirectory::enter(std::string_view path, const OnMade& on_made) {
  if (path.empty()) return directory_fd_;
  if (entered_.is_open() && path == entered_path_) return entered_.get();
  const std::string wanted(path);
  UniqueFd found(open_beneath(directory_fd_, wanted.c_str(), O_PATH));
  if (!found.is_open()) {
    if (errno != ENOENT && errno != ENOSYS && errno != EPERM && errno != EAGAIN)
      return fail(not_entered(path, errno));
    found = BOXLITE_TRY(walk(path, on_made));
  }
  entered_ = std::move(found);
  entered_path_ = wanted;
  return entered_.get();
}

Result<UniqueFd> SafeDirectory::walk(std::string_view path, const OnMade& on_made) const {
  UniqueFd held;
  int at = directory_fd_;
  for (auto rest = path; !rest.empty();) {
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd next(::openat(at, part.c_str(), flags));
    if (!next.is_open() && errno == ENOENT) {
      if (::mkdirat(at, part.c_str(), 0755) == 0) {
        BOXLITE_TRY(on_made(at, part.c_str()));
      } else if (errno != EEXIST) {
        return fail(syscall_error("make directory", path, errno));
      }
      next.reset(::openat(at, part.c_str(), flags));
    }
    if (!next.is_open()) return fail(not_entered(path, errno));
    held = std::move(next);
    at = held.get();
  }
  return held;
}

Result<UniqueFd> SafeDirectory::open(const std::string& path) const {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd found(open_beneath(directory_fd_, path.empty() ? "." : path.c_str(), O_RDONLY));
  if (found.is_open()) return found;
  if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return fail(not_entered(path, errno));
  const auto slash = path.rfind('/');
  if (path.empty()) {
    found.reset(::openat(directory_fd_, ".", flags));
  } else {
    const auto parent = slash == path.npos ? std::string_view() : std::string_view(path).substr(0, slash);
    const auto never = [&](int, const char*) -> Result<void> {
      return fail(ErrorCode::not_found, concat("enter ", in_quotes(path), ": it is gone"));
    };
    const UniqueFd base = BOXLITE_TRY(walk(parent, never));
    found.reset(::openat(base.is_open() ? base.get() : directory_fd_,
                         path.c_str() + (slash == path.npos ? 0 : slash + 1), flags));
  }
  if (!found.is_open()) return fail(not_entered(path, errno));
  return found;
}

}  // namespace boxlite::tar
