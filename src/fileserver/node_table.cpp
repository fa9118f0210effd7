// SPDX-License-Identifier: Apache-2.0
#include "fileserver/node_table.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/result.h"

namespace boxlite::fileserver {
namespace {

std::size_t mixed(std::size_t one, std::size_t other) {
  return one ^ (other + 0x9e3779b97f4a7c15u + (one << 6) + (one >> 2));
}

}  // namespace

Identity identity_of(const struct statx& status) {
  return {.mount = status.stx_mnt_id,
          .device = makedev(status.stx_dev_major, status.stx_dev_minor),
          .inode = status.stx_ino,
          .born_seconds = status.stx_btime.tv_sec,
          .born_nanoseconds = status.stx_btime.tv_nsec};
}

Version version_of(const struct statx& status) {
  return {.size = status.stx_size,
          .modified_seconds = status.stx_mtime.tv_sec,
          .modified_nanoseconds = status.stx_mtime.tv_nsec,
          .changed_seconds = status.stx_ctime.tv_sec,
          .changed_nanoseconds = status.stx_ctime.tv_nsec};
}

bool is_settled(const Version& version) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t step = 20'000'000;  // more than any kernel's tick
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto age = (now.tv_sec - version.changed_seconds) * second + now.tv_nsec -
                   static_cast<std::int64_t>(version.changed_nanoseconds);
  return age > step || age < -second;
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
  auto node = std::make_unique<Node>();
  node->id = ++last_id_;
  node->identity = identity;
  node->type = type;
  node->lookups = 1;
  auto* entered = node.get();
  by_identity_[identity] = entered;
  nodes_.emplace(entered->id, std::move(node));
  return entered;
}

Answer<Node*> NodeTable::enter(const Place& place, const Identity& identity, mode_t type) {
  auto* node = BOXLITE_TRY(enter(identity, type));
  if (child(place.parent, place.name) == node) return node;
  remove(place);
  bind(*node, place);
  return node;
}

Answer<Node*> NodeTable::enter_ghost(mode_t type) {
  return enter(Identity{.mount = ~std::uint64_t{0}, .inode = ++ghosts_}, type);
}

void NodeTable::bind(Node& node, const Place& place) {
  by_place_[place] = &node;
  node.places.push_back(place);
  if (auto* parent = find(place.parent); parent != nullptr) ++parent->children;
}

// By value: the place may be the node's own.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void NodeTable::remove(Place place) {
  const auto found = by_place_.find(place);
  if (found == by_place_.end()) return;
  auto& node = *found->second;
  by_place_.erase(found);
  std::erase(node.places, place);
  drop_if_unused(node);
  if (auto* parent = find(place.parent); parent != nullptr) {
    --parent->children;
    drop_if_unused(*parent);
  }
}

void NodeTable::move(const Place& from, const Place& to) {
  auto* node = child(from.parent, from.name);
  if (node == nullptr) return remove(to);
  ++node->lookups;  // stays meanwhile
  remove(to);
  remove(from);
  bind(*node, to);
  --node->lookups;
  drop_if_unused(*node);
}

void NodeTable::exchange(const Place& one, const Place& other) {
  auto* first = child(one.parent, one.name);
  auto* second = child(other.parent, other.name);
  if (first != nullptr) ++first->lookups;
  if (second != nullptr) ++second->lookups;
  remove(one);
  remove(other);
  if (first != nullptr) bind(*first, other);
  if (second != nullptr) bind(*second, one);
  for (auto* node : {first, second}) {
    if (node == nullptr) continue;
    --node->lookups;
    drop_if_unused(*node);
  }
}

void NodeTable::forget(std::uint64_t id, std::uint64_t lookups) {
  auto* node = find(id);
  if (node == nullptr || id == FUSE_ROOT_ID) return;
  node->lookups -= std::min(node->lookups, lookups);
  drop_if_unused(*node);
}

void NodeTable::drop_if_unused(Node& node) {
  if (node.id == FUSE_ROOT_ID || node.lookups > 0 || node.children > 0) return;
  std::erase_if(node.open, [](const auto& fd) { return fd.expired(); });
  if (!node.open.empty()) return;
  const auto places = std::exchange(node.places, {});
  const auto id = node.id;
  if (const auto found = by_identity_.find(node.identity);
      found != by_identity_.end() && found->second == &node)
    by_identity_.erase(found);
  for (const auto& place : places) by_place_.erase(place);
  if (on_drop_) on_drop_(node);
  nodes_.erase(id);
  for (const auto& place : places) {
    if (auto* parent = find(place.parent); parent != nullptr) {
      --parent->children;
      drop_if_unused(*parent);
    }
  }
}

void NodeTable::for_each(const std::function<void(Node&)>& visit) {
  for (const auto& [id, node] : nodes_) visit(*node);
}

}  // namespace boxlite::fileserver
