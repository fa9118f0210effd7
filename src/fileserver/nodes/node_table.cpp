// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/node_table.h"

#include <algorithm>
#include <utility>

#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/result.h"

namespace boxlite::fileserver {
namespace {

std::size_t mixed(std::size_t one, std::size_t other) {
  return one ^ (other + 0x9e3779b97f4a7c15u + (one << 6) + (one >> 2));
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= NAME_MAX && text != "." && text != ".." &&
         text.find('/') == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

Identity identity_of(const struct statx& status) {
  return {.mount = status.stx_mnt_id,
          .device = makedev(status.stx_dev_major, status.stx_dev_minor),
          .inode = status.stx_ino,
          .born_seconds = status.stx_btime.tv_sec,
          .born_nanoseconds = status.stx_btime.tv_nsec};
}

std::size_t NodeTable::IdentityHash::operator()(const Identity& identity) const {
  return mixed(std::hash<std::uint64_t>()(identity.inode), std::hash<std::uint64_t>()(identity.device));
}

std::size_t NodeTable::PlaceHash::operator()(const Place& place) const {
  return mixed(std::hash<std::uint64_t>()(place.parent), std::hash<std::string>()(place.name));
}

NodeTable::NodeTable(std::size_t limit) : limit_(limit) {
  clear();
}

void NodeTable::clear() {
  if (on_drop_) for_each(on_drop_);
  by_place_.clear();
  by_identity_.clear();
  nodes_.clear();
  auto root = std::make_unique<Node>();
  root->id = FUSE_ROOT_ID;
  root->type = S_IFDIR;
  root->lookups = 1;
  nodes_.emplace(FUSE_ROOT_ID, std::move(root));
}

Node* NodeTable::find(std::uint64_t id) {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second.get();
}

Node* NodeTable::find(const Identity& identity) {
  const auto found = by_identity_.find(identity);
  return found == by_identity_.end() ? nullptr : found->second;
}

Node* NodeTable::child(std::uint64_t parent, std::string_view name) {
  const auto found = by_place_.find({parent, std::string(name)});
  return found == by_place_.end() ? nullptr : found->second;
}

Answer<Node*> NodeTable::enter(const Identity& identity, mode_t type) {
  if (const auto found = by_identity_.find(identity);
      found != by_identity_.end() && found->second->type == type) {
    ++found->second->lookups;
    return found->second;
  }
  if (nodes_.size() >= limit_) return refuse(ENFILE);
  auto* entered = add(++last_id_, identity, type);
  entered->lookups = 1;
  return entered;
}

Answer<Node*> NodeTable::restore(std::uint64_t id, const Identity& identity, mode_t type) {
  if (find(id) != nullptr || id > last_id_ || nodes_.size() >= limit_) return refuse(EINVAL);
  if (identity.mount == ghost_mount) ghosts_ = std::max(ghosts_, identity.inode);
  return add(id, identity, type);
}

Answer<void> NodeTable::restore(Node& node, const Place& place) {
  const auto* parent = find(place.parent);
  if (!is_name(place.name) || parent == nullptr || parent->type != S_IFDIR ||
      child(place.parent, place.name) != nullptr)
    return refuse(EINVAL);
  bind(node, place);
  return {};
}

Node* NodeTable::add(std::uint64_t id, const Identity& identity, mode_t type) {
  auto node = std::make_unique<Node>();
  node->id = id;
  node->identity = identity;
  node->type = type;
  auto* entered = node.get();
  by_identity_[identity] = entered;
  nodes_.emplace(entered->id, std::move(node));
  return entered;
}

// Keeps a node, if there is one, through changes of the table that could drop it.
class NodeTable::Hold {
 public:
  Hold(NodeTable& table, Node* node) : table_(table), node_(node) {
    if (node_ != nullptr) ++node_->lookups;
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (node_ == nullptr) return;
    --node_->lookups;
    table_.drop_if_unused(*node_);
  }

 private:
  NodeTable& table_;
  Node* node_;
};

Answer<Node*> NodeTable::enter(const Place& place, const Identity& identity, mode_t type) {
  auto* node = BOXLITE_TRY(enter(identity, type));
  if (child(place.parent, place.name) == node) return node;
  const Hold parent(*this, find(place.parent));
  remove(place);
  // Where it was seen first is given up: a file may have any number of names.
  if (by_place_.size() >= limit_ && !node->places.empty()) remove(Place(node->places.front()));
  bind(*node, place);
  return node;
}

Answer<Node*> NodeTable::enter_ghost(mode_t type) {
  return enter(Identity{.mount = ghost_mount, .inode = ++ghosts_}, type);
}

void NodeTable::bind(Node& node, const Place& place) {
  by_place_[place] = &node;
  node.places.push_back(place);
  if (auto* parent = find(place.parent); parent != nullptr) ++parent->children;
}

void NodeTable::remove(const Place& place) {
  // The argument may be the node's own place.
  const auto removed = by_place_.extract(place);
  if (removed.empty()) return;
  auto& node = *removed.mapped();
  std::erase(node.places, removed.key());
  drop_if_unused(node);
  leave(removed.key().parent);
}

// One name less is in the directory.
void NodeTable::leave(std::uint64_t directory) {
  auto* node = find(directory);
  if (node == nullptr) return;
  --node->children;
  drop_if_unused(*node);
}

void NodeTable::move(const Place& from, const Place& to) {
  auto* node = child(from.parent, from.name);
  if (node == nullptr) return remove(to);
  const Hold parent(*this, find(to.parent));
  const Hold moved(*this, node);
  remove(to);
  remove(from);
  bind(*node, to);
}

void NodeTable::exchange(const Place& one, const Place& other) {
  auto* first = child(one.parent, one.name);
  auto* second = child(other.parent, other.name);
  const Hold first_parent(*this, find(one.parent));
  const Hold second_parent(*this, find(other.parent));
  const Hold first_hold(*this, first);
  const Hold second_hold(*this, second);
  remove(one);
  remove(other);
  if (first != nullptr) bind(*first, other);
  if (second != nullptr) bind(*second, one);
}

void NodeTable::forget(std::uint64_t id, std::uint64_t lookups) {
  auto* node = find(id);
  if (node == nullptr || id == FUSE_ROOT_ID) return;
  node->lookups -= std::min(node->lookups, lookups);
  drop_if_unused(*node);
}

bool NodeTable::is_open(const Node& node) {
  return std::ranges::any_of(node.open, [](const auto& fd) { return !fd.expired(); });
}

bool NodeTable::is_used(Node& node) {
  if (node.id == FUSE_ROOT_ID || node.lookups > 0 || node.children > 0) return true;
  std::erase_if(node.open, [](const auto& fd) { return fd.expired(); });
  return !node.open.empty();
}

// With it may go what it was the last to be in, and so on upwards: trees may be deeper than the stack.
void NodeTable::drop_if_unused(Node& node) {
  std::vector<std::uint64_t> looked_at{node.id};
  while (!looked_at.empty()) {
    auto* unused = find(looked_at.back());
    looked_at.pop_back();
    if (unused == nullptr || is_used(*unused)) continue;
    for (const auto& place : drop(*unused)) looked_at.push_back(place.parent);
  }
}

std::vector<Place> NodeTable::drop(Node& node) {
  auto places = std::move(node.places);
  if (const auto found = by_identity_.find(node.identity);
      found != by_identity_.end() && found->second == &node)
    by_identity_.erase(found);
  for (const auto& place : places) by_place_.erase(place);
  if (on_drop_) on_drop_(node);
  nodes_.erase(node.id);
  for (const auto& place : places)
    if (auto* parent = find(place.parent); parent != nullptr) --parent->children;
  return places;
}

void NodeTable::drop_all(const std::function<bool(const Node&)>& is_of) {
  std::vector<std::uint64_t> dropped;
  for (const auto& [id, node] : nodes_)
    if (id != FUSE_ROOT_ID && is_of(*node)) dropped.push_back(id);
  for (const auto id : dropped) drop(*find(id));
}

void NodeTable::for_each(const std::function<void(Node&)>& visit) {
  for (const auto& [id, node] : nodes_) visit(*node);
}

}  // namespace boxlite::fileserver
