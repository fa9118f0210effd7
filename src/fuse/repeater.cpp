// SPDX-License-Identifier: Apache-2.0
#include "fuse/repeater.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "fuse/messages.h"
#include "wire/folder_orders.h"

namespace boxlite::fuse {
namespace {

using Clock = std::chrono::steady_clock;
using wire::HostChange;

// How long the last look for watchers, of either outcome, is trusted: to look takes a while.
constexpr std::chrono::milliseconds watched_for(2000);
constexpr std::chrono::milliseconds unwatched_for(20);

bool is_number(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char letter) { return letter >= '0' && letter <= '9'; });
}

template <typename Visit>
bool any_entry(const std::string& path, const Visit& visit) {
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return false;
  bool is_found = false;
  while (const dirent* entry = is_found ? nullptr : ::readdir(directory)) is_found = visit(entry->d_name);
  ::closedir(directory);
  return is_found;
}

bool has_inotify(const std::string& descriptors) {
  return any_entry(descriptors, [&](const char* name) {
    std::array<char, 32> target{};
    const auto size = ::readlink(concat(descriptors, "/", name).c_str(), target.data(), target.size());
    return std::string_view(target.data(), size < 0 ? 0 : static_cast<std::size_t>(size)) ==
           "anon_inode:inotify";
  });
}

class Watchers {
 public:
  bool are_there() {
    const auto now = Clock::now();
    if (now < known_until_) return are_there_;
    are_there_ = any_entry("/proc", [](const char* name) {
      return is_number(name) && has_inotify(concat("/proc/", name, "/fd"));
    });
    known_until_ = Clock::now() + (are_there_ ? watched_for : unwatched_for);
    return are_there_;
  }

 private:
  bool are_there_ = false;
  Clock::time_point known_until_ = {};
};

// A name in an open directory.
struct Spot {
  UniqueFd directory;
  std::string name;
};

// No symlink is followed, and nothing above the root reached: programs of the guest may be at it.
Spot spot_of(int root_fd, const std::string& path) {
  const auto slash = path.rfind('/');
  const auto above = slash == std::string::npos ? std::string(".") : path.substr(0, slash);
  open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const auto fd = ::syscall(SYS_openat2, root_fd, above.c_str(), &how, sizeof how);
  return {UniqueFd(static_cast<int>(fd)), slash == std::string::npos ? path : path.substr(slash + 1)};
}

void touch(const Spot& spot, bool is_content) {
  // Of the modification alone the kernel tells as of a change of contents.
  const std::array<timespec, 2> times{timespec{0, is_content ? UTIME_OMIT : UTIME_NOW},
                                      timespec{0, UTIME_NOW}};
  (void)::utimensat(spot.directory.get(), spot.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

void create(const Spot& spot, HostChange change) {
  int result = -1;
  if (change == HostChange::created_directory)
    result = ::mkdirat(spot.directory.get(), spot.name.c_str(), 0755);
  else if (change == HostChange::created_symlink)
    result = ::symlinkat("-", spot.directory.get(), spot.name.c_str());
  else
    result = ::mknodat(spot.directory.get(), spot.name.c_str(), S_IFREG | 0644, 0);
  // A program has looked it up meanwhile.
  if (result != 0 && errno == EEXIST) touch(spot, false);
}

// The guest's kernel moves nothing to where it has seen the same file already, and tells nobody.
bool is_same_file(const Spot& one, const Spot& other) {
  struct stat first = {};
  struct stat second = {};
  return ::fstatat(one.directory.get(), one.name.c_str(), &first, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstatat(other.directory.get(), other.name.c_str(), &second, AT_SYMLINK_NOFOLLOW) == 0 &&
         first.st_ino == second.st_ino;
}

void move(const Spot& from, const Spot& to) {
  if (is_same_file(from, to) ||
      ::renameat(from.directory.get(), from.name.c_str(), to.directory.get(), to.name.c_str()) != 0)
    touch(to, true);
}

void close_written(const Spot& spot) {
  const UniqueFd file(
      ::openat(spot.directory.get(), spot.name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

void repeat(int root_fd, HostChange change, const std::string& path, const std::string& target) {
  const auto spot = spot_of(root_fd, path);
  if (!spot.directory.is_open()) return;
  switch (change) {
    case HostChange::created:
    case HostChange::created_directory:
    case HostChange::created_symlink: return create(spot, change);
    case HostChange::deleted: (void)::unlinkat(spot.directory.get(), spot.name.c_str(), 0); return;
    case HostChange::deleted_directory:
      (void)::unlinkat(spot.directory.get(), spot.name.c_str(), AT_REMOVEDIR);
      return;
    case HostChange::moved: return move(spot, spot_of(root_fd, target));
    case HostChange::modified: return touch(spot, true);
    case HostChange::attributes_changed: return touch(spot, false);
    case HostChange::written: return close_written(spot);
  }
}

std::string take_path(std::string_view& text) {
  const auto end = std::min(text.find('\0'), text.size());
  std::string path(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return path;
}

}  // namespace

void run_and_repeat(Bridge& bridge, const std::filesystem::path& root) {
  const wire::Repeater self = {.pid = static_cast<std::uint32_t>(::gettid())};
  (void)bridge.send(wire::repeater_order, bytes_of(self));
  Watchers watchers;
  bridge.run([&](int code, std::string_view payload) {
    wire::Repeat order;
    if (code != wire::repeat_order || payload.size() < sizeof order) return;
    std::memcpy(&order, payload.data(), sizeof order);
    payload.remove_prefix(sizeof order);
    const auto path = take_path(payload);
    const auto target = take_path(payload);
    if (watchers.are_there()) {
      const auto there = open_file(root, O_PATH | O_DIRECTORY);
      if (there) repeat(there->get(), order.change, path, target);
    }
    (void)bridge.send(wire::repeated_order, {});
  });
}

}  // namespace boxlite::fuse
