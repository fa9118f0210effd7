// SPDX-License-Identifier: Apache-2.0
#include "base/real_path.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite {
namespace {

namespace fs = std::filesystem;

// As the kernel.
constexpr int most_symlinks = 40;

// Walks a path by descriptors, so that a name is looked at only once.
class PathWalk {
 public:
  PathWalk(const fs::path& path, const std::vector<fs::path>& distrusted) : distrusted_(distrusted) {
    add_in_front(path);
  }

  Result<fs::path> run() {
    BOXLITE_TRY(enter_root());
    while (!ahead_.empty()) {
      const auto name = std::move(ahead_.front());
      ahead_.pop_front();
      if (name.empty() || name == "." || name == "/") continue;
      if (!BOXLITE_TRY(step(name))) return rest_from(name);
    }
    return place_;
  }

 private:
  void add_in_front(const fs::path& path) { ahead_.insert(ahead_.begin(), path.begin(), path.end()); }

  Result<void> enter_root() {
    place_ = "/";
    at_ = BOXLITE_TRY(open_file(place_, O_PATH | O_DIRECTORY));
    return {};
  }

  // False: there is nothing of that name.
  Result<bool> step(const fs::path& name) {
    UniqueFd next(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next.is_open() && errno == ENOENT) return false;
    if (!next.is_open()) return fail(syscall_error("find", (place_ / name).native(), errno));
    struct stat status = {};
    if (::fstat(next.get(), &status) != 0)
      return fail(syscall_error("fstat", (place_ / name).native(), errno));
    if (S_ISLNK(status.st_mode)) {
      BOXLITE_TRY(follow(next.get(), name));
      return true;
    }
    place_ = name == ".." ? place_.parent_path() : place_ / name;
    at_ = std::move(next);
    return true;
  }

  Result<void> follow(int link_fd, const fs::path& name) {
    const auto link = place_ / name;
    if (is_below(place_, distrusted_)) {
      return fail(Error(ErrorCode::invalid_argument,
                        concat(in_quotes(link.native()), " is a symlink in a folder that a box may write"))
                      .with_remedy("give the path that it leads to, if that is what you want"));
    }
    if (++symlinks_ > most_symlinks) return fail(syscall_error("find", link.native(), ELOOP));
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlinkat(link_fd, "", target.data(), target.size());
    if (length < 0) return fail(syscall_error("readlink", link.native(), errno));
    const fs::path leads_to(std::string(target.data(), static_cast<std::size_t>(length)));
    add_in_front(leads_to);
    if (leads_to.is_absolute()) BOXLITE_TRY(enter_root());
    return {};
  }

  fs::path rest_from(const fs::path& name) const {
    auto whole = place_ / name;
    for (const auto& part : ahead_) whole /= part;
    return whole.lexically_normal();
  }

  const std::vector<fs::path>& distrusted_;
  std::deque<fs::path> ahead_;
  fs::path place_;  // real
  UniqueFd at_;     // the same, open
  int symlinks_ = 0;
};

}  // namespace

Result<UniqueFd> open_without_symlinks(const fs::path& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd;
  do fd = static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd >= 0) return UniqueFd(fd);
  if (errno != ELOOP) return fail(syscall_error("open", path.native(), errno));
  return fail(
      Error(ErrorCode::invalid_state,
            concat(in_quotes(path.native()), " has become a symlink since, or leads through one"), ELOOP)
          .with_remedy("a box that may write there can have made it: look where it leads, and name the "
                       "path that is meant (a box's folder: `boxlite volume detach`, then attach it)"));
}

Result<fs::path> real_path(const fs::path& path, const std::vector<fs::path>& distrusted) {
  return PathWalk(path, distrusted).run();
}

bool is_below(const fs::path& path, const std::vector<fs::path>& directories) {
  return std::ranges::any_of(directories, [&](const fs::path& directory) {
    const auto [end, ignored] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return end == directory.end();
  });
}

}  // namespace boxlite
