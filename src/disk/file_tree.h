// SPDX-License-Identifier: Apache-2.0
// The file system that layers add up to, in memory: names, metadata and where content was put, never content.
// Symlinks are resolved inside this tree, so a hostile layer has no way to the host's files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tar/tar_entry.h"

namespace boxlite::disk {

// The words of archives.
using tar::EntryKind;
using tar::FileTime;
using tar::TarEntry;
using tar::Xattr;

struct Inode;

// A name in a directory. `layer` is the last layer that wrote this name or anything below it: whiteouts spare
// what their own layer brought.
struct Link {
  std::shared_ptr<Inode> inode;
  std::uint32_t layer = 0;
};
using Children = std::map<std::string, Link, std::less<>>;

// A run of blocks: `count` from `logical` in the file are at `physical` on the disk.
struct BlockRun {
  std::uint64_t logical;
  std::uint64_t physical;
  std::uint64_t count;
};

struct Inode {
  EntryKind kind = EntryKind::file;  // never hard_link
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t links = 0;
  std::uint32_t number = 0;  // set by the writer that stores the tree
  std::uint64_t size = 0;
  FileTime modified;
  FileTime accessed;
  std::string symlink_target;
  std::vector<Xattr> xattrs;
  std::vector<BlockRun> runs;
  Children children;  // of a directory

  bool is_directory() const { return kind == EntryKind::directory; }
};

// Where the content of regular files goes while layers are read. One thread.
class ContentSink {
 public:
  virtual ~ContentSink() = default;
  virtual Result<void> begin(Inode& file) = 0;
  // Offsets grow from call to call; what is not written is a hole.
  virtual Result<void> write(Inode& file, std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> end(Inode& file) = 0;
  // The file's last name went away: a later layer replaced or removed it.
  virtual Result<void> discard(Inode& file) = 0;
};

// A path inside the tree, symlinks resolved: its directories from the top, the missing ones without inode.
struct Step {
  std::string name;
  Link* link;
};
using Location = std::vector<Step>;

class FileTree {
 public:
  // Ten times what five million files below one symlink take, and still only seconds.
  static constexpr std::uint64_t most_symlink_steps = 64'000'000;

  FileTree(ContentSink& sink, std::uint64_t metadata_limit,
           std::uint64_t symlink_step_limit = most_symlink_steps);

  Inode& root() { return *root_.inode; }
  const Inode& root() const { return *root_.inode; }

  // Follows every component, symlinks too, and stays inside: ".." of the root is the root. resource_exhausted
  // when the symlinks of all paths that were asked for lead a longer way than any honest image's: chains of
  // them would cost time out of proportion to the size of the layers.
  Result<Location> locate(std::string_view directory);
  // The directory at `location`, made (0755 root:root) where it is missing.
  Result<Inode*> make_directory(const Location& location, FileTime modified);
  // Adds a name; it must be free.
  Result<void> insert(Inode& directory, std::string_view name, std::shared_ptr<Inode> inode,
                      std::uint32_t layer);
  Result<void> remove(Inode& directory, Children::iterator child);
  // Removes `child` but keeps what `layer` itself brought.
  Result<void> remove_lower(Inode& directory, Children::iterator child, std::uint32_t layer);
  // Marks the directories of `location` as written by `layer`.
  void touch(const Location& location, std::uint32_t layer);
  // Counts metadata held in memory against the limit.
  Result<void> charge(std::uint64_t bytes);

  std::uint64_t inode_count() const { return inode_count_; }

 private:
  Result<void> release(Link& link);

  ContentSink& sink_;
  Link root_;
  std::uint64_t metadata_limit_;
  std::uint64_t metadata_bytes_ = 0;
  std::uint64_t symlink_step_limit_;
  std::uint64_t symlink_steps_ = 0;  // of all paths so far
  std::uint64_t inode_count_ = 1;
};

// The components of `path` without "." and empty ones; `a/..` is cancelled as text. A path that climbs above
// its start is corrupted.
Result<std::vector<std::string>> clean_path(std::string_view path);

}  // namespace boxlite::disk
