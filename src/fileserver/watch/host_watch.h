// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fileserver/nodes/node_table.h"
#include "fileserver/watch/echoes.h"
#include "fileserver/watch/host_events.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {

class Session;

// Hears what the host's programs change in directories that the guest knows, and makes the guest forget what
// is not so any more. Where nothing is heard (too many watches, no right to read), the guest is told nothing
// that it may keep. Loop thread only.
class HostWatch {
 public:
  // At most `limit` directories: the host's kernel counts those of all the user's programs together.
  HostWatch(linux_::EventLoop& loop, Session& session, HostEvents events, std::size_t limit);

  // A directory, or a file that is shared alone; once is enough.
  void cover(Node& node, const SharedFd& fd);
  bool covers(const Node& node) const { return node.watch >= 0; }
  // Whether it is heard who changes what in the directory.
  bool is_certain_of(const Node& directory) const { return events_.is_certain(directory.watch); }
  // An open file that has lost a name: the directory may have been all that told of it.
  void hear_of_open(Node& file);
  void forget(const Node& node);
  // What has happened until now: before the guest is told how things are.
  void hear();
  // ... all of it, however much that is.
  void hear_all();
  // The guest has moved whatever was there to this name, and takes it for the file that it knew: if the host
  // had put another one there, of which is still to be heard, the guest looks this name up anew.
  void check_name(const Place& place);
  // What was just done in the directory for the guest is no news to it. `event`: IN_CREATE, IN_DELETE,
  // IN_MOVED_FROM, IN_MOVED_TO.
  void expect(const Node& directory, std::string_view name, std::uint32_t event);

  // Events were lost: of all that is watched, the guest forgets what is not so any more, and those who watch
  // there are told to look.
  void lose_track();

 private:
  struct Expected {
    int watch;
    std::uint64_t directory;
    std::string name;
    std::uint32_t event;
  };
  struct Watched {
    std::vector<std::uint64_t> nodes = {};  // a directory may be shared twice
  };
  using Event = HostEvents::Event;
  // What the next event may be the other half of.
  struct MovedFrom {
    Place place;
    std::uint32_t cookie;
    bool is_directory;
  };

  void listen(linux_::EventLoop& loop, int fd);
  void hear_changes();
  void hear_detachment();
  void handle(const Event& event);
  void on_name(Node& directory, const Event& event);
  void on_new_name(Node& directory, const Event& event);
  void on_lost_name(Node& directory, const Event& event);
  void on_content(Node& directory, const Event& event);
  std::set<Node*> files_at(Node& directory, const std::string& name);
  void on_directory_itself(Node& directory);
  // The file was changed by a program of the host, or may have been. False: it was not.
  bool take_note(Node& file, const Event& event);
  // False: it is as the guest was told.
  bool refresh(Node& node);
  void repeat(Echoes::Echo echo);
  void forget_moved_from();
  void forget_name(const Place& place);
  void lose_name(const Place& place, std::uint64_t notice);
  void follow(const Place& from, const Place& to);
  // 0: nobody expected it. Otherwise the directory in which it was done.
  std::uint64_t take_expected(const Event& event);

  Session& session_;
  HostEvents events_;
  std::vector<linux_::EventLoop::Watch> ready_;
  std::size_t limit_;
  int root_ = -1;  // where a folder that is detached goes from
  bool has_detachment_ = false;
  std::unordered_map<int, Watched> watched_;
  std::deque<Expected> expected_;
  std::optional<MovedFrom> moved_from_;
};

}  // namespace boxlite::fileserver
