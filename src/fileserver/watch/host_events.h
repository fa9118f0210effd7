// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/fanotify.h>
#include <sys/types.h>

#include "base/unique_fd.h"
#include "fileserver/nodes/node_table.h"

namespace boxlite::fileserver {

// What happens in directories of the host: by fanotify(7), which tells this process's own doings from those
// of others. Where the kernel (before 5.17), a sandbox around us or the file system has no fanotify for
// ordinary users, by inotify(7), which does not. Told in inotify's words. One thread at a time.
class HostEvents {
 public:
  // Whose doing it is.
  enum class Actor : std::uint8_t { this_process, another, unknown };
  struct Event {
    int watch = -1;
    std::uint32_t mask = 0;  // one of inotify's events, and IN_ISDIR
    std::uint32_t cookie = 0;
    std::string name = {};  // empty: the watched file or directory itself
    Actor actor = Actor::unknown;
  };
  using Told = std::function<void(const Event&)>;

  // `descriptors`: how many directories may be kept open, as fanotify needs them.
  HostEvents(std::string own_descriptors, std::size_t descriptors);

  // Readable when something happened; -1 where there is no such.
  int fanotify() const { return fanotify_.get(); }
  int inotify() const { return inotify_.get(); }

  // -1: it cannot be watched. Of one that is watched already, its number.
  int add_directory(const SharedFd& fd);
  int add_file(const UniqueFd& fd);
  void remove(int watch);
  // Whether it is told who does what.
  bool is_certain(int watch) const;

  // Tells what has happened until now, at most some hundred events. False: nothing had. IN_Q_OVERFLOW: events
  // were lost. IN_IGNORED: the watch has ended.
  bool hear(const Told& told);

 private:
  struct Marked {
    std::string key;  // of file system and file, as fanotify names them
    SharedFd fd;
  };

  int mark(const SharedFd& fd);
  int watch(int fd, std::uint32_t events);
  bool hear_fanotify(const Told& told);
  bool hear_inotify(const Told& told);
  void tell(const fanotify_event_metadata& event, std::string_view records, const Told& told);
  void tell_changes(const Event& merged, std::uint64_t mask, const Told& told) const;
  int marked(const std::string& key) const;

  std::string own_descriptors_;
  std::size_t descriptors_;
  UniqueFd fanotify_;
  UniqueFd inotify_;
  pid_t own_pid_;
  int last_mark_ = 0;
  std::uint32_t last_cookie_ = 0;
  std::unordered_map<int, Marked> marks_;
  std::unordered_map<std::string, int> marks_by_key_;
};

}  // namespace boxlite::fileserver
