// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/host_tree.h"

#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/result.h"

namespace boxlite::fileserver {
namespace {

constexpr int name_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

// Not every file system says when a file was born: of a number that was given to another the type may tell.
bool is_it(const Node& node, const Found& found) {
  return identity_of(found.status) == node.identity && (found.status.stx_mode & S_IFMT) == node.type;
}

Answer<SharedFd> shared(int fd) {
  if (fd < 0) return refuse(errno);
  return std::make_shared<const UniqueFd>(fd);
}

}  // namespace

Answer<struct statx> status_of(int fd) {
  struct statx status;
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &status) != 0)
    return refuse(errno);
  return status;
}

HostTree::HostTree(NodeTable& nodes, UniqueFd root, std::string own_descriptors)
    : nodes_(nodes),
      root_(std::make_shared<const UniqueFd>(std::move(root))),
      own_descriptors_(std::move(own_descriptors)) {}

void HostTree::forget(std::uint64_t id) {
  const auto found = directories_.find(id);
  if (found == directories_.end()) return;
  uses_.erase(found->second.use);
  directories_.erase(found);
}

std::string HostTree::path_of(int fd) const {
  return concat(own_descriptors_, fd);
}

Answer<UniqueFd> HostTree::reopen(int fd, int flags) const {
  UniqueFd opened(::open(path_of(fd).c_str(), flags | O_CLOEXEC));
  if (!opened.is_open()) return refuse(errno);
  return opened;
}

Answer<Found> HostTree::look(int directory_fd, const std::string& name) const {
  auto fd = BOXLITE_TRY(shared(::openat(directory_fd, name.c_str(), name_flags)));
  const auto status = BOXLITE_TRY(status_of(fd->get()));
  return Found{std::move(fd), status};
}

Answer<Found> HostTree::find_at(Node& node, const Place& place) {
  auto* parent = nodes_.find(place.parent);
  if (parent == nullptr) return refuse(ESTALE);
  const auto there = BOXLITE_TRY(directory(*parent));
  auto found = BOXLITE_TRY(look(there->get(), place.name));
  if (!is_it(node, found)) return refuse(ESTALE);
  return found;
}

Answer<Found> HostTree::find(Node& node) {
  if (node.type == S_IFDIR) {
    auto fd = BOXLITE_TRY(directory(node));
    const auto status = BOXLITE_TRY(status_of(fd->get()));
    return Found{std::move(fd), status};
  }
  for (auto place = node.places.rbegin(); place != node.places.rend(); ++place) {
    if (auto found = find_at(node, *place)) return found;
  }
  // Where it was is another file by now, or none: what the guest names is not what it means.
  if (!node.places.empty()) return refuse(ESTALE);
  return find_open(node);
}

Answer<Found> HostTree::find_open(const Node& node) {
  for (const auto& open : node.open) {
    auto fd = open.lock();
    if (!fd) continue;
    const auto status = BOXLITE_TRY(status_of(fd->get()));
    return Found{std::move(fd), status};
  }
  return refuse(ESTALE);
}

const SharedFd* HostTree::kept(std::uint64_t id) {
  if (id == FUSE_ROOT_ID) return &root_;
  const auto found = directories_.find(id);
  if (found == directories_.end()) return nullptr;
  uses_.splice(uses_.begin(), uses_, found->second.use);
  return &found->second.fd;
}

void HostTree::keep(std::uint64_t id, SharedFd fd) {
  if (directories_.size() >= kept_directories) {
    directories_.erase(uses_.back());
    uses_.pop_back();
  }
  uses_.push_front(id);
  directories_[id] = {std::move(fd), uses_.begin()};
}

// Its parent is kept open at this moment.
Answer<SharedFd> HostTree::step_into(Node& node) {
  for (auto place = node.places.rbegin(); place != node.places.rend(); ++place) {
    const auto* parent = kept(place->parent);
    if (parent == nullptr) continue;
    auto found = look((*parent)->get(), place->name);
    if (!found || !is_it(node, *found)) continue;
    keep(node.id, found->fd);
    return found->fd;
  }
  for (const auto& open : node.open) {
    if (auto fd = open.lock()) return fd;
  }
  return refuse(ESTALE);
}

// From the nearest one that is open downwards: trees may be deeper than the stack.
Answer<SharedFd> HostTree::directory(Node& node) {
  if (node.type != S_IFDIR) return refuse(ENOTDIR);
  if (const auto* fd = kept(node.id)) return *fd;
  std::vector<Node*> down;
  for (auto* step = &node; kept(step->id) == nullptr;) {
    down.push_back(step);
    if (step->places.empty() || down.size() > nodes_.size()) break;
    step = nodes_.find(step->places.back().parent);
    if (step == nullptr) return refuse(ESTALE);
  }
  SharedFd reached;
  for (; !down.empty(); down.pop_back()) reached = BOXLITE_TRY(step_into(*down.back()));
  return reached;
}

}  // namespace boxlite::fileserver
