// SPDX-License-Identifier: Apache-2.0
#include "fileserver/session.h"

#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/result.h"
#include "fileserver/nodes/folder_name.h"
#include "fuse/agreement.h"

namespace boxlite::fileserver {
namespace {

// Where changes are heard of, what was told stays true until then.
constexpr std::uint64_t until_changed = 24 * 3600;

}  // namespace

Session::Session(linux_::EventLoop& loop, Channel& channel, Setup setup)
    : channel_(channel),
      notices_(channel, [this] { recheck(); }),
      nodes_(setup.known_files),
      tree_(nodes_, std::move(setup.root), setup.own_descriptors),
      owners_(tree_, setup.may_give_away),
      files_(setup.open_files),
      echoes_(channel_, nodes_),
      watch_(loop, *this, HostEvents(setup.own_descriptors, setup.watched_directories), setup.watches),
      granted_locks_(channel_, notices_, watch_),
      postponed_opens_(notices_),
      locks_(loop, channel_, granted_locks_, setup.lock_owners),
      own_descriptor_info_(std::move(setup.own_descriptor_info)),
      known_files_(setup.known_files) {
  if (!own_descriptor_info_.is_open())
    own_descriptor_info_.reset(::open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));
  nodes_.on_drop([this](const Node& node) {
    absent_.forget(node.id);
    tree_.forget(node.id);
    watch_.forget(node);
  });
}

void Session::let_go_of_detached() {
  const auto root = tree_.directory(nodes_.root());
  if (!root) return;
  std::erase_if(folders_, [&](const auto& folder) {
    const auto there = tree_.look((*root)->get(), folder.first);
    if (there || there.error() != ENOENT) return false;
    let_go_of(folder.second.get());
    return true;
  });
}

void Session::let_go_of(const FolderRules* folder) {
  const auto is_in_it = [&](std::uint64_t id) {
    const auto* node = nodes_.find(id);
    return node != nullptr && node->rules == folder;
  };
  locks_.release_all(is_in_it);
  files_.close_all(is_in_it);
  nodes_.drop_all([&](const Node& node) { return node.rules == folder; });
}

void Session::begin(std::uint32_t minor, std::uint64_t features) {
  minor_ = minor;
  features_ = features;
  absent_.clear();
  locks_.clear();
  granted_locks_.clear();
  postponed_opens_.clear();
  echoes_.clear();
  notices_.clear();
  files_.clear();
  nodes_.clear();
}

void Session::set_box_user(uid_t uid, gid_t gid) {
  box_uid_ = uid;
  box_gid_ = gid;
  for (const auto& [name, rules] : folders_) {
    if (!rules->follows_box_user) continue;
    rules->uid = uid;
    rules->gid = gid;
  }
}

const FolderRules* Session::rules_of_folder(const std::string& name) {
  const auto parsed = parse_folder_name(name);
  if (!parsed) return nullptr;
  auto& rules = folders_[name];
  if (rules) return rules.get();
  rules = std::make_unique<FolderRules>(*parsed);
  if (rules->follows_box_user) {
    rules->uid = box_uid_;
    rules->gid = box_gid_;
  }
  return rules.get();
}

const FolderRules& Session::rules_of(const Node& node) const {
  return node.rules != nullptr ? *node.rules : default_rules_;
}

Answer<Node*> Session::node(std::uint64_t id) {
  auto* node = nodes_.find(id);
  if (node == nullptr) return refuse(ESTALE);
  return node;
}

Answer<Found> Session::find(Node& node) {
  auto found = tree_.find(node);
  if (found || found.error() != ESTALE) return found;
  return HostTree::find_open(node);
}

Answer<Found> Session::find_open(const Node& node, std::uint64_t open_file) {
  const auto* file = BOXLITE_TRY(files_.find(open_file, node.id));
  const auto status = BOXLITE_TRY(status_of(file->fd->get()));
  return Found{file->fd, status};
}

Answer<Found> Session::find_to_change(Node& node) {
  if (node.places.empty() && !notices_.is_done(node.lost_name)) return refuse(ESTALE);
  return tree_.find(node);
}

Answer<bool> Session::begin_to_hear(Node& node, Found& found) {
  if (node.type != S_IFDIR || watch_.covers(node)) return false;
  watch_.cover(node, found.fd);
  found.status = BOXLITE_TRY(status_of(found.fd->get()));
  return true;
}

const Node* Session::directory_of(const Node& node) {
  return node.places.empty() ? nullptr : nodes_.find(node.places.back().parent);
}

std::uint64_t Session::validity_of(Node& node, const Found& found) {
  if (!may_keep()) return 0;
  // A file may be changed by another name, in a directory without a watch.
  if (!S_ISDIR(found.status.stx_mode) && found.status.stx_nlink > 1) return 0;
  if (watch_.covers(node)) return until_changed;
  if (node.type == S_IFDIR) return 0;
  const auto* directory = directory_of(node);
  return directory != nullptr && watch_.covers(*directory) ? until_changed : 0;
}

bool Session::hears_all_of(const Node& node, const struct statx& status) {
  const auto* directory = directory_of(node);
  return directory != nullptr && watch_.is_certain_of(*directory) && status.stx_nlink == 1;
}

void Session::tell(Node& node, const Found& found, fuse_attr& attr) {
  attr = owners_.present(found, rules_of(node));
  const auto version = version_of(found.status);
  const bool can_change_unseen = S_ISREG(found.status.stx_mode) && !hears_all_of(node, found.status);
  const bool has_forgotten = notices_.is_done(node.copy.last_notice());
  node.copy.tell(version, has_forgotten && (!can_change_unseen || is_settled(version)));
}

// A kernel with memory to spare forgets nothing unasked, and would be refused at the limit. It is asked to
// forget what it was told long ago, and does where nobody uses it.
void Session::make_room() {
  if (nodes_.size() < known_files_ - known_files_ / 8) return;
  for (int i = 0; i < 4 && notices_.has_room(); ++i) {
    looked_at_ = looked_at_ < nodes_.last_id() ? looked_at_ + 1 : FUSE_ROOT_ID + 1;
    const auto* node = nodes_.find(looked_at_);
    if (node == nullptr || node->children > 0 || node->places.empty()) continue;
    const Place place = node->places.back();
    if (place.parent != FUSE_ROOT_ID) invalidate_entry(place.parent, place.name);
  }
}

Answer<fuse_entry_out> Session::enter(Node& directory, const std::string& name, const Found& found) {
  auto* node = BOXLITE_TRY(
      nodes_.enter({directory.id, name}, identity_of(found.status), found.status.stx_mode & S_IFMT));
  make_room();
  absent_.remove({directory.id, name});
  node->rules = directory.rules;
  if (directory.id == FUSE_ROOT_ID) {
    node->rules = rules_of_folder(name);
    // A file that is shared alone: no directory of ours tells of it.
    if (node->type == S_IFREG) watch_.cover(*node, found.fd);
  }
  fuse_entry_out entry = {};
  entry.nodeid = node->id;
  tell(*node, found, entry.attr);
  entry.attr_valid = validity_of(*node, found);
  const bool is_heard_of = watch_.covers(directory) || directory.id == FUSE_ROOT_ID;
  entry.entry_valid = is_heard_of && may_keep() ? until_changed : 0;
  return entry;
}

bool Session::hears_names_in(const Node& directory) const {
  return (features_ & fuse::tells_more) != 0 && may_keep() && watch_.covers(directory);
}

fuse_entry_out Session::nothing_there(Node& directory, const std::string& name) {
  fuse_entry_out entry = {};
  if (!watch_.covers(directory) || !may_keep()) return entry;
  entry.entry_valid = until_changed;
  if (const auto given_up = absent_.add({directory.id, name}); given_up)
    invalidate_entry(given_up->parent, given_up->name);
  return entry;
}

fuse_attr_out Session::attributes(Node& node, const Found& found) {
  fuse_attr_out out = {};
  tell(node, found, out.attr);
  out.attr_valid = validity_of(node, found);
  return out;
}

void Session::have_forgotten(std::uint64_t notices) {
  notices_.done(notices);
  granted_locks_.go_on();
}

void Session::invalidate(Node& node) {
  node.copy.forget(notices_.forget_file(node.id));
}

bool Session::is_at(const Node& node, const Place& place) {
  auto* parent = nodes_.find(place.parent);
  if (parent == nullptr) return false;
  const auto there = tree_.directory(*parent);
  if (!there) return false;
  const auto found = tree_.look((*there)->get(), place.name);
  return found && identity_of(found->status) == node.identity;
}

void Session::recheck(Node& node, std::vector<Place>& lost) {
  if (node.id == FUSE_ROOT_ID || NodeTable::is_ghost(node)) return;
  const auto found = tree_.find(node);
  const auto version = found ? version_of(found->status) : Version();
  if (!found || !node.copy.is_of(version) || !is_settled(version)) invalidate(node);
  for (const auto& place : node.places) {
    if (is_at(node, place)) continue;
    const auto notice = invalidate_entry(place.parent, place.name);
    if (node.type == S_IFDIR) continue;
    node.lost_name = notice;
    lost.push_back(place);
  }
}

// Names that are absent stay known: the notices about them may be given up as well.
void Session::recheck() {
  std::vector<Place> lost;
  nodes_.for_each([&](Node& node) { recheck(node, lost); });
  for (const auto& place : lost) nodes_.remove(place);
  for (const auto& place : absent_.all()) invalidate_entry(place.parent, place.name);
}

std::uint64_t Session::invalidate_entry(std::uint64_t directory, std::string_view name) {
  return notices_.forget_name(directory, name);
}

}  // namespace boxlite::fileserver
