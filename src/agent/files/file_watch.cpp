// SPDX-License-Identifier: Apache-2.0
// Files.Watch: inotify(7) as a stream. What the host does in a shared folder shows as well
// (fuse/repeater.h).
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files/file_worker.h"
#include "base/concat.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t most_directories = 8192;
constexpr std::size_t most_bytes = 32u << 10;  // of one message
constexpr std::uint32_t interest = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                   IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK;

wire::msg::FileEvent::Kind kind_of(std::uint32_t mask) {
  using Event = wire::msg::FileEvent;
  if ((mask & IN_CREATE) != 0) return Event::CREATED;
  if ((mask & IN_CLOSE_WRITE) != 0) return Event::WRITTEN;
  if ((mask & (IN_DELETE | IN_DELETE_SELF)) != 0) return Event::REMOVED;
  if ((mask & (IN_MOVED_FROM | IN_MOVE_SELF)) != 0) return Event::MOVED_AWAY;
  if ((mask & IN_MOVED_TO) != 0) return Event::MOVED_HERE;
  if ((mask & IN_ATTRIB) != 0) return Event::CHANGED;
  if ((mask & IN_Q_OVERFLOW) != 0) return Event::LOST;
  return Event::UNKNOWN;
}

std::string joined(const std::string& directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return name.empty() ? directory : concat(directory, "/", name);
}

class Watcher {
 public:
  Watcher(UniqueFd inotify, std::string top, bool is_recursive, OutputFrames& out)
      : inotify_(std::move(inotify)), top_(std::move(top)), is_recursive_(is_recursive), out_(out) {}

  // The watched path itself, and what is below it.
  Result<void> begin() {
    BOXLITE_TRY(add({}, false));
    wire::msg::FileEvents first;
    first.set_begins(true);
    return out_.send(first);
  }

  // Until the watched path is gone.
  Result<void> run() {
    alignas(inotify_event) std::array<char, 16u << 10> buffer;
    while (!is_over_) {
      const auto count = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(syscall_error("read", "inotify", errno));
      std::size_t at = 0;
      while (at < static_cast<std::size_t>(count)) {
        const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += sizeof *event + event->len;
        BOXLITE_TRY(handle(*event));
      }
      BOXLITE_TRY(send());
    }
    return {};
  }

 private:
  Result<void> handle(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return report(kind_of(event.mask), {}, false, 0);
    const auto found = directories_.find(event.wd);
    if (found == directories_.end()) return {};
    // Of directories below, their parents tell.
    const bool is_self = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
    if (is_self && !found->second.empty()) return {};
    if ((event.mask & IN_IGNORED) != 0) {
      is_over_ = is_over_ || found->second.empty();
      directories_.erase(found);
      return {};
    }
    const bool is_directory = (event.mask & IN_ISDIR) != 0;
    const auto path =
        joined(found->second, event.len == 0 ? std::string_view() : std::string_view(event.name));
    if (const auto kind = kind_of(event.mask); kind != wire::msg::FileEvent::UNKNOWN)
      BOXLITE_TRY(report(kind, path, is_directory, event.cookie));
    is_over_ = is_over_ || is_self;
    const bool is_new = is_directory && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    if (is_new && is_recursive_) return add(path, true);
    return {};
  }

  // `is_late`: what is in it already came while nobody watched, and is told as new.
  Result<void> add(const std::string& path, bool is_late) {
    const auto place = joined(top_, path);
    const std::uint32_t follow = path.empty() ? 0 : IN_DONT_FOLLOW | IN_ONLYDIR;
    const int wd = ::inotify_add_watch(inotify_.get(), place.c_str(), interest | follow);
    if (wd < 0) {
      if (path.empty() || (errno != ENOENT && errno != ENOTDIR))
        return fail(syscall_error("watch", place, errno));
      return {};
    }
    directories_[wd] = path;
    if (directories_.size() > most_directories) {
      return fail(ErrorCode::resource_exhausted,
                  concat("watch ", in_quotes(top_), ": it has more than ", most_directories, " directories"));
    }
    return is_recursive_ ? add_below(place, path, is_late) : Result<void>();
  }

  Result<void> add_below(const std::string& place, const std::string& path, bool is_late) {
    DIR* const directory = ::opendir(place.c_str());
    if (directory == nullptr) return {};
    std::set<std::string> below;
    Result<void> done;
    while (const auto* const entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const bool is_directory = entry->d_type == DT_DIR;
      if (is_directory) below.insert(joined(path, name));
      if (is_late) done = report(wire::msg::FileEvent::CREATED, joined(path, name), is_directory, 0);
      if (!done) break;
    }
    ::closedir(directory);
    BOXLITE_TRY(std::move(done));
    for (const auto& one : below) BOXLITE_TRY(add(one, is_late));
    return {};
  }

  Result<void> report(wire::msg::FileEvent::Kind kind, const std::string& path, bool is_directory,
                      std::uint32_t move) {
    auto& event = *events_.add_events();
    event.set_kind(kind);
    event.set_path(path);
    event.set_is_directory(is_directory);
    event.set_move(move);
    bytes_ += path.size() + 32;
    return bytes_ < most_bytes ? Result<void>() : send();
  }

  Result<void> send() {
    if (events_.events_size() == 0) return {};
    BOXLITE_TRY(out_.send(events_));
    events_.Clear();
    bytes_ = 0;
    return {};
  }

  UniqueFd inotify_;
  std::string top_;
  bool is_recursive_;
  OutputFrames& out_;
  std::map<int, std::string> directories_;  // by watch; paths below top_
  wire::msg::FileEvents events_;
  std::size_t bytes_ = 0;
  bool is_over_ = false;
};

}  // namespace

Result<void> watch_files(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::WatchRequest>(call.payload));
  BOXLITE_TRY(check_path(request.path()));
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC));
  if (!inotify.is_open()) return fail(syscall_error("inotify_init1", "", errno));
  OutputFrames out(call.end);
  Watcher watcher(std::move(inotify), request.path(), request.recursive(), out);
  BOXLITE_TRY(watcher.begin());
  BOXLITE_TRY(watcher.run());
  send_result(call.end, wire::msg::WatchResponse());
  return {};
}

}  // namespace boxlite::agent
