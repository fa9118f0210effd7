// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <linux/fuse.h>
#include <linux/stat.h>
#include <sys/types.h>

#include "base/unique_fd.h"
#include "fileserver/answer.h"
#include "fileserver/watch/guest_copy.h"

namespace boxlite::fileserver {

// A descriptor that several may be using.
using SharedFd = std::shared_ptr<const UniqueFd>;

// Which file it is, and by which mount: the same directory may be shared twice, once read-only. With the time
// of its birth, as the number of a deleted file is given to another.
struct Identity {
  std::uint64_t mount = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t born_seconds = 0;
  std::uint32_t born_nanoseconds = 0;

  auto operator<=>(const Identity&) const = default;
};

// Where a file is: a name in a directory that is a node.
struct Place {
  std::uint64_t parent = 0;
  std::string name = {};

  bool operator==(const Place&) const = default;
};

// One that a file in a directory can have.
bool is_name(std::string_view text);

struct FolderRules;

// A file that the guest knows by a number.
struct Node {
  std::uint64_t id = 0;
  Identity identity = {};
  mode_t type = 0;                     // S_IFMT, on the host
  const FolderRules* rules = nullptr;  // of the folder that it is in; the root is in none
  std::vector<Place> places = {};      // the last one seen comes last; none: the file was removed
  std::uint64_t lookups = 0;           // how often the guest was told of it and has not forgotten it
  std::size_t children = 0;            // places of nodes that are in it
  std::vector<std::weak_ptr<const UniqueFd>> open = {};
  int watch = -1;               // a directory: HostWatch's number of it
  std::uint64_t lost_name = 0;  // the notice by which the guest was to forget a name that the host took away
  GuestCopy copy = {};
};

// The nodes of one mounted file system of the guest. References stay valid until the node is forgotten.
class NodeTable {
 public:
  explicit NodeTable(std::size_t limit = 1'000'000);

  // Number 1: what the guest mounts.
  Node& root() { return *find(FUSE_ROOT_ID); }
  // Null: the guest does not know it, or has forgotten it.
  Node* find(std::uint64_t id);
  Node* find(const Identity& identity);
  Node* child(std::uint64_t parent, std::string_view name);
  // The guest is told of the file once more. ENFILE: it knows too many.
  Answer<Node*> enter(const Place& place, const Identity& identity, mode_t type);
  // A file without a name.
  Answer<Node*> enter(const Identity& identity, mode_t type);
  // One that is nowhere on the host.
  Answer<Node*> enter_ghost(mode_t type);
  void forget(std::uint64_t id, std::uint64_t lookups);

  // What another process knew (ServerState), with its number; held by nothing but its lookups. EINVAL: there
  // is one of that number.
  Answer<Node*> restore(std::uint64_t id, const Identity& identity, mode_t type);
  // EINVAL: another has that name, it is none, or the parent is no directory.
  Answer<void> restore(Node& node, const Place& place);
  std::uint64_t last_id() const { return last_id_; }
  void set_last_id(std::uint64_t id) { last_id_ = id; }
  // Goes when nothing holds it: after the last of its open files was closed.
  void drop_if_unused(Node& node);

  void remove(const Place& place);
  void move(const Place& from, const Place& to);
  void exchange(const Place& one, const Place& other);

  static bool is_open(const Node& node);
  static bool is_ghost(const Node& node) { return node.identity.mount == ghost_mount; }
  std::size_t size() const { return nodes_.size(); }
  void for_each(const std::function<void(Node&)>& visit);
  // Whether the guest has forgotten them or not: what it asks of them is ESTALE.
  void drop_all(const std::function<bool(const Node&)>& is_of);
  // As at the beginning.
  void clear();
  // Called with each node that goes.
  void on_drop(std::function<void(const Node&)> told) { on_drop_ = std::move(told); }

 private:
  struct IdentityHash {
    std::size_t operator()(const Identity& identity) const;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const;
  };

  class Hold;
  static constexpr std::uint64_t ghost_mount = ~std::uint64_t{0};
  Node* add(std::uint64_t id, const Identity& identity, mode_t type);
  void bind(Node& node, const Place& place);
  void leave(std::uint64_t directory);
  static bool is_used(Node& node);
  // Where it was, which has one child less.
  std::vector<Place> drop(Node& node);

  std::size_t limit_;
  std::uint64_t last_id_ = FUSE_ROOT_ID;
  std::uint64_t ghosts_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Node>> nodes_;
  std::unordered_map<Identity, Node*, IdentityHash> by_identity_;
  std::unordered_map<Place, Node*, PlaceHash> by_place_;
  std::function<void(const Node&)> on_drop_;
};

Identity identity_of(const struct statx& status);

}  // namespace boxlite::fileserver
