// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <linux/fuse.h>

#include "base/unique_fd.h"
#include "fileserver/answer.h"
#include "fileserver/channel.h"
#include "fileserver/locks/granted_locks.h"
#include "fileserver/locks/lock_table.h"
#include "fileserver/nodes/host_tree.h"
#include "fileserver/nodes/node_table.h"
#include "fileserver/nodes/open_files.h"
#include "fileserver/nodes/owners.h"
#include "fileserver/state/server_state.h"
#include "fileserver/watch/absent_names.h"
#include "fileserver/watch/echoes.h"
#include "fileserver/watch/host_watch.h"
#include "fileserver/watch/notices.h"
#include "fileserver/watch/postponed_opens.h"
#include "fileserver/workers.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {

// How the server is set up, whichever folders it will serve.
struct Setup {
  UniqueFd root = {};                              // O_PATH: the directory that has each folder under a name
  std::string own_descriptors = "/proc/self/fd/";  // see HostTree
  UniqueFd own_descriptor_info = {};               // /proc/self/fdinfo, which is opened if it is not given
  bool may_give_away = false;                      // see Owners
  std::size_t open_files = 4096;                   // at once
  std::size_t lock_owners = 4096;                  // each with a descriptor
  std::size_t watched_directories = 4096;          // of which a descriptor is kept
  std::size_t watches = 65'536;                    // of all the host's directories
  std::size_t known_files = 1'000'000;             // to the guest
};

// What the guest and this server know of each other, for the handlers of requests. Loop thread only.
class Session {
 public:
  Session(linux_::EventLoop& loop, Channel& channel, Setup setup);

  Channel& channel() { return channel_; }
  NodeTable& nodes() { return nodes_; }
  HostTree& tree() { return tree_; }
  Owners& owners() { return owners_; }
  OpenFiles& files() { return files_; }
  HostWatch& watch() { return watch_; }
  LockTable& locks() { return locks_; }
  Workers& workers() { return workers_; }
  Echoes& echoes() { return echoes_; }
  Notices& notices() { return notices_; }
  GrantedLocks& granted_locks() { return granted_locks_; }
  PostponedOpens& postponed_opens() { return postponed_opens_; }
  // The guest's kernel has done so with the next `notices`.
  void have_forgotten(std::uint64_t notices);
  // Whether the guest's kernel may keep what it is told until it hears of a change: it says when it has
  // heard.
  bool may_keep() const { return notices_.are_acknowledged(); }
  // For what is read from files and goes to the guest at once.
  std::vector<char>& transfer_buffer() { return transfer_buffer_; }

  // Whose the files of the host's user are, in folders that follow the box's user.
  void set_box_user(uid_t uid, gid_t gid);
  const FolderRules& rules_of(const Node& node) const;

  // ESTALE: the guest names one that it was not told of, or has forgotten.
  Answer<Node*> node(std::uint64_t id);
  // The open file that the guest names.
  Answer<Found> find_open(const Node& node, std::uint64_t open_file);
  // The node's file, which may be open, and nowhere else: the guest's kernel does not say for which of its
  // open files a program asks.
  Answer<Found> find(Node& node);
  // ... to be opened or changed. ESTALE: the guest may mean the file that got its name meanwhile.
  Answer<Found> find_to_change(Node& node);
  // Programs of the guest may watch a directory from now on, without looking into it. True: it was not heard
  // of before, and is found anew, as it may have changed until then.
  Answer<bool> begin_to_hear(Node& node, Found& found);

  // The guest is told of what lies at that name of the directory.
  Answer<fuse_entry_out> enter(Node& directory, const std::string& name, const Found& found);
  // Whether each change of the file by the host is heard of, however soon it follows upon another.
  bool hears_all_of(const Node& node, const struct statx& status);
  // The guest, which has agreed on it, need not ask for names in the directory that it has not been told of.
  bool hears_names_in(const Node& directory) const;
  // It is told that nothing does.
  fuse_entry_out nothing_there(Node& directory, const std::string& name);
  fuse_attr_out attributes(Node& node, const Found& found);

  // The guest is to forget what it has of a file's contents and attributes. When it will have done so is not
  // known; it is of a version again when it has been told the attributes anew.
  void invalidate(Node& node);
  // ... of a name in a directory.
  std::uint64_t invalidate_entry(std::uint64_t directory, std::string_view name);
  // Whether that is a name of the file, as things are on the host.
  bool is_at(const Node& node, const Place& place);

  // What the guest knew of folders that are no longer there is void, and nothing of them stays open.
  void let_go_of_detached();

  // Everything that the guest knew is void: it has mounted anew, and agreed on this.
  void begin(std::uint32_t minor = 0, std::uint64_t features = 0);

  // Of all that the guest may have, it is made to forget what is not so any more. For after a time in which
  // changes were not heard.
  void recheck();

  // Everything that was begun is done by then, or in the state. Nothing may be asked for afterwards.
  ServerState suspend();
  // Goes on where another process was suspended, before anything is asked for. What is not on the host any
  // more, or another file, is ESTALE. EINVAL: the state contradicts itself, and this object is of no use.
  Answer<void> take_up(const ServerState& state);

 private:
  const FolderRules* rules_of_folder(const std::string& name);
  void let_go_of(const FolderRules* folder);
  void make_room();
  void tell(Node& node, const Found& found, fuse_attr& attr);
  const Node* directory_of(const Node& node);
  std::uint64_t validity_of(Node& node, const Found& found);
  void recheck(Node& node, std::vector<Place>& lost);
  std::vector<ServerState::NodeState> node_states();
  std::vector<ServerState::FileState> file_states();
  std::vector<ServerState::OwnerState> owner_states();
  std::string folder_of(const Node& node) const;
  Answer<void> take_up_nodes(const ServerState& state);
  Answer<void> take_up_files(const ServerState& state);
  void take_up_watches(const ServerState& state);
  SharedFd open_again(Node& node, const ServerState::FileState& file);
  void take_up_locks(const ServerState& state);
  bool lock_again(const ServerState::FileState& known);
  bool lock_again(const ServerState& state, const ServerState::OwnerState& owner);
  void lose(std::uint64_t node);

  Channel& channel_;
  Notices notices_;
  NodeTable nodes_;
  HostTree tree_;
  Owners owners_;
  OpenFiles files_;
  Echoes echoes_;
  HostWatch watch_;
  GrantedLocks granted_locks_;
  PostponedOpens postponed_opens_;
  LockTable locks_;
  Workers workers_;
  AbsentNames absent_;
  UniqueFd own_descriptor_info_;
  std::vector<char> transfer_buffer_;
  std::map<std::string, std::unique_ptr<FolderRules>> folders_;
  std::size_t known_files_;
  std::uint64_t looked_at_ = FUSE_ROOT_ID;  // the node that make_room() looked at last
  FolderRules default_rules_ = {};
  std::uint32_t minor_ = 0;
  std::uint64_t features_ = 0;
  uid_t box_uid_ = 0;
  gid_t box_gid_ = 0;
};

}  // namespace boxlite::fileserver
