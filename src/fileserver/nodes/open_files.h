// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "fileserver/answer.h"
#include "fileserver/nodes/node_table.h"

namespace boxlite::fileserver {

// A file or directory that the guest has open.
struct OpenFile {
  std::uint64_t id = 0;
  std::uint64_t node = 0;
  SharedFd fd = {};  // null: it could not be taken up from another process
  // Of a directory: entries that were read ahead (getdents64), and where the next of them is. None: they are
  // read again from `position`.
  std::vector<char> entries = {};
  std::size_t next_entry = 0;
  std::uint64_t position = 0;
};

class OpenFiles {
 public:
  explicit OpenFiles(std::size_t limit) : limit_(limit) {}

  // EMFILE: the guest has as many open as it may.
  Answer<OpenFile*> add(Node& node, SharedFd fd);
  // What another process had open, with its number. EINVAL: the number is in use.
  Answer<OpenFile*> restore(std::uint64_t id, Node& node, SharedFd fd);
  // EBADF, also for one of another node. ESTALE: it could not be taken up.
  Answer<OpenFile*> find(std::uint64_t id, std::uint64_t node);
  void close(std::uint64_t id);
  bool has(std::uint64_t id, std::uint64_t node) const;
  void for_each(const std::function<void(OpenFile&)>& visit);
  std::uint64_t last_id() const { return last_id_; }
  void set_last_id(std::uint64_t id) { last_id_ = id; }
  // Of those nodes.
  void close_all(const std::function<bool(std::uint64_t node)>& is_of);
  // Room for the entries of a directory; those of directories that were begun long ago make room.
  void make_entries(OpenFile& directory, std::size_t bytes);
  std::size_t size() const { return files_.size(); }
  bool is_full() const { return files_.size() >= limit_; }
  void clear() { files_.clear(); }

 private:
  OpenFile* put(std::uint64_t id, Node& node, SharedFd fd);
  static constexpr std::size_t max_with_entries = 64;

  std::size_t limit_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<OpenFile>> files_;
  std::deque<std::uint64_t> with_entries_;  // the oldest first
};

}  // namespace boxlite::fileserver
