// SPDX-License-Identifier: Apache-2.0
// The host's files behind the nodes. Whatever the guest and the host do to the tree at the same time, no path
// is looked up but one name in a directory that is open, and no symlink is followed: what is reached is
// always the file that the node stands for, or the answer is ESTALE.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include <linux/stat.h>

#include "base/unique_fd.h"
#include "fileserver/answer.h"
#include "fileserver/nodes/node_table.h"

namespace boxlite::fileserver {

// A file that was found, opened (O_PATH).
struct Found {
  SharedFd fd;
  struct statx status;
};

class HostTree {
 public:
  // `root`: an open (O_PATH) directory. `own_descriptors`: what makes a path of the number of a descriptor of
  // this process ("/proc/self/fd/", or "" where that is the working directory).
  HostTree(NodeTable& nodes, UniqueFd root, std::string own_descriptors);

  // What the name is at this moment.
  Answer<Found> look(int directory_fd, const std::string& name) const;
  // The node's own file: where it was seen last, or, when it was removed, by one of its open files.
  Answer<Found> find(Node& node);
  // By what the guest has open of it. ESTALE: nothing.
  static Answer<Found> find_open(const Node& node);
  // A directory to look names up in; several are kept open.
  Answer<SharedFd> directory(Node& node);
  // Opens what is open already once more, with other flags.
  Answer<UniqueFd> reopen(int fd, int flags) const;
  // The node goes.
  void forget(std::uint64_t id);
  // A path that leads to it, for system calls that take no descriptor.
  std::string path_of(int fd) const;

 private:
  static constexpr std::size_t kept_directories = 256;
  struct Kept {
    SharedFd fd;
    std::list<std::uint64_t>::iterator use;
  };

  Answer<Found> find_at(Node& node, const Place& place);
  Answer<SharedFd> step_into(Node& node);
  const SharedFd* kept(std::uint64_t id);
  void keep(std::uint64_t id, SharedFd fd);

  NodeTable& nodes_;
  SharedFd root_;
  std::string own_descriptors_;
  std::unordered_map<std::uint64_t, Kept> directories_;
  std::list<std::uint64_t> uses_;  // the last used first
};

Answer<struct statx> status_of(int fd);

}  // namespace boxlite::fileserver
