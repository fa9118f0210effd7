// SPDX-License-Identifier: Apache-2.0
// What a session knows, written down for another process, and taken up there.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/result.h"
#include "fileserver/handlers/opening.h"
#include "fileserver/locks/held_locks.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {
namespace {

constexpr auto last_byte = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());

// Of the mounts of that time, those of now: a folder is mounted for each process tree that serves it.
class Mounts {
 public:
  void add(std::uint64_t then, std::uint64_t now) { now_[then] = now; }
  std::uint64_t now(std::uint64_t then) const {
    const auto found = now_.find(then);
    return found == now_.end() ? then : found->second;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> now_;
};

const Place* place_in_root(const ServerState::NodeState& node) {
  for (const auto& place : node.places)
    if (place.parent == FUSE_ROOT_ID) return &place;
  return nullptr;
}

bool set_range(int fd, const ServerState::Range& range) {
  if (range.start > range.end || range.end > last_byte) return false;
  struct flock lock = {};
  lock.l_type = static_cast<short>(range.is_exclusive ? F_WRLCK : F_RDLCK);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.start);
  lock.l_len = range.end == last_byte ? 0 : static_cast<off_t>(range.end - range.start + 1);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool lock_whole(int fd, const ServerState::Range& range) {
  return ::flock(fd, (range.is_exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
}

}  // namespace

std::string Session::folder_of(const Node& node) const {
  for (const auto& [name, rules] : folders_)
    if (rules.get() == node.rules) return name;
  return {};
}

std::vector<ServerState::NodeState> Session::node_states() {
  std::vector<ServerState::NodeState> states;
  nodes_.for_each([&](Node& node) {
    if (node.id == FUSE_ROOT_ID) return;
    states.push_back({.id = node.id,
                      .identity = node.identity,
                      .type = node.type,
                      .folder = folder_of(node),
                      .places = node.places,
                      .lookups = node.lookups,
                      .is_watched = watch_.covers(node),
                      .known = node.copy.known(),
                      .shown = node.copy.shown(),
                      .last_notice = node.copy.last_notice()});
  });
  return states;
}

std::vector<ServerState::FileState> Session::file_states() {
  std::vector<ServerState::FileState> states;
  files_.for_each([&](OpenFile& file) {
    ServerState::FileState state{.id = file.id, .node = file.node};
    if (file.fd) {
      const auto status = status_of(file.fd->get());
      state.flags = static_cast<std::uint32_t>(::fcntl(file.fd->get(), F_GETFL));
      state.whole_lock = held_locks(own_descriptor_info_.get(), file.fd->get()).whole;
      if (status) state.version = version_of(*status);
    }
    states.push_back(state);
  });
  return states;
}

std::vector<ServerState::OwnerState> Session::owner_states() {
  std::vector<ServerState::OwnerState> states;
  locks_.for_each_owner([&](std::uint64_t node, std::uint64_t owner, std::uint64_t file, int fd) {
    auto held = held_locks(own_descriptor_info_.get(), fd);
    if (!held.ranges.empty()) states.push_back({node, owner, file, std::move(held.ranges)});
  });
  return states;
}

ServerState Session::suspend() {
  workers_.finish();
  ServerState state;
  state.waiting = granted_locks_.suspend();
  for (auto& request : postponed_opens_.suspend()) state.waiting.push_back(std::move(request));
  for (auto& request : locks_.suspend()) state.waiting.push_back(std::move(request));
  state.minor = minor_;
  state.features = features_;
  state.box_uid = box_uid_;
  state.box_gid = box_gid_;
  state.repeater = echoes_.repeater();
  state.told = echoes_.told();
  notices_.flush();
  state.notices_sent = notices_.sent();
  state.notices_done = notices_.done();
  state.notices_acknowledged = notices_.are_acknowledged() ? 1 : 0;
  state.last_node = nodes_.last_id();
  state.last_file = files_.last_id();
  state.devices = owners_.devices();
  state.absent = absent_.all();
  state.nodes = node_states();
  state.files = file_states();
  state.owners = owner_states();
  return state;
}

Answer<void> Session::take_up_nodes(const ServerState& state) {
  Mounts mounts;
  const auto root = BOXLITE_TRY(tree_.directory(nodes_.root()));
  for (const auto& node : state.nodes) {
    const auto* place = place_in_root(node);
    if (place == nullptr) continue;
    if (const auto found = tree_.look(root->get(), place->name))
      mounts.add(node.identity.mount, found->status.stx_mnt_id);
  }
  for (const auto& known : state.nodes) {
    auto identity = known.identity;
    identity.mount = mounts.now(identity.mount);
    auto* node = BOXLITE_TRY(nodes_.restore(known.id, identity, known.type & S_IFMT));
    node->lookups = known.lookups;
    node->copy = GuestCopy::restored(known.known, known.shown, known.last_notice);
    if (!known.folder.empty()) node->rules = rules_of_folder(known.folder);
  }
  for (const auto& known : state.nodes)
    for (const auto& place : known.places) BOXLITE_TRY(nodes_.restore(*nodes_.find(known.id), place));
  return {};
}

// First, so that nothing changes unheard after it was looked at.
void Session::take_up_watches(const ServerState& state) {
  for (const auto& known : state.nodes) {
    auto* node = nodes_.find(known.id);
    if (!known.is_watched || node == nullptr) continue;
    if (const auto found = tree_.find(*node)) watch_.cover(*node, found->fd);
    // What the guest has of it would stay so for ever.
    if (!watch_.covers(*node)) node->copy = GuestCopy::restored({}, {}, known.last_notice);
  }
}

// Null: there is no such file any more.
SharedFd Session::open_again(Node& node, const ServerState::FileState& file) {
  const auto found = tree_.find(node);
  if (!found || NodeTable::is_ghost(node)) return nullptr;
  if ((file.flags & O_PATH) != 0) return found->fd;
  UniqueFd fd;
  if (node.type == S_IFDIR) {
    fd.reset(::openat(found->fd->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  } else if (node.type == S_IFREG) {
    auto opened =
        tree_.reopen(found->fd->get(), host_open_flags(file.flags & ~static_cast<unsigned>(O_TRUNC)));
    if (opened) fd = std::move(*opened);
  }
  if (!fd.is_open()) return nullptr;
  return std::make_shared<const UniqueFd>(std::move(fd));
}

Answer<void> Session::take_up_files(const ServerState& state) {
  for (const auto& known : state.files) {
    auto* node = nodes_.find(known.node);
    if (node == nullptr) return refuse(EINVAL);
    SharedFd fd = files_.is_full() ? nullptr : open_again(*node, known);
    BOXLITE_TRY(files_.restore(known.id, *node, std::move(fd)));
  }
  return {};
}

// Who believes that it holds a lock, and does not, must not go on.
void Session::lose(std::uint64_t node) {
  files_.for_each([&](OpenFile& file) {
    if (file.node == node) file.fd.reset();
  });
  locks_.clear(node);
}

// A file that was changed meanwhile was changed without the lock: that is lost as well.
bool Session::lock_again(const ServerState::FileState& known) {
  const auto file = files_.find(known.id, known.node);
  if (!file) return false;
  const auto status = status_of((*file)->fd->get());
  if (!status || version_of(*status) != known.version) return false;
  return !known.whole_lock || lock_whole((*file)->fd->get(), *known.whole_lock);
}

bool Session::lock_again(const ServerState& state, const ServerState::OwnerState& owner) {
  for (const auto& known : state.files) {
    if (known.id != owner.file || known.node != owner.node || (known.flags & O_PATH) != 0) continue;
    if (!lock_again(known)) return false;
    const auto file = files_.find(known.id, known.node);
    const auto fd = locks_.descriptor_of(tree_, **file, owner.owner);
    return fd && std::ranges::all_of(owner.ranges,
                                     [&](const auto& range) { return set_range((*fd)->get(), range); });
  }
  return false;
}

void Session::take_up_locks(const ServerState& state) {
  for (const auto& known : state.files)
    if (known.whole_lock && !lock_again(known)) lose(known.node);
  for (const auto& owner : state.owners)
    if (!lock_again(state, owner)) lose(owner.node);
}

Answer<void> Session::take_up(const ServerState& state) {
  begin(state.minor, state.features);
  set_box_user(state.box_uid, state.box_gid);
  owners_.set_devices(state.devices);
  notices_.restore(state.notices_sent, state.notices_done, state.notices_acknowledged != 0);
  nodes_.set_last_id(state.last_node);
  files_.set_last_id(state.last_file);
  BOXLITE_TRY(take_up_nodes(state));
  take_up_watches(state);
  BOXLITE_TRY(take_up_files(state));
  take_up_locks(state);
  for (const auto& place : state.absent) (void)absent_.add(place);
  for (const auto& known : state.nodes)
    if (auto* node = nodes_.find(known.id); node != nullptr) nodes_.drop_if_unused(*node);
  echoes_.restore(state.repeater, state.told);
  // Whatever happened meanwhile, nobody was told.
  watch_.lose_track();
  return {};
}

}  // namespace boxlite::fileserver
