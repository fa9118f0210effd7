// SPDX-License-Identifier: Apache-2.0
// Stores a file tree as a host directory. While layers are read, the content of file N goes to `N` in a
// staging directory; names from the image appear only at the end, when the tree is known, and each is made
// inside a directory that this class has just made itself. So there is never a symlink to follow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/files.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "disk/file_tree.h"

namespace boxlite::disk {

class DirectoryWriter final : public ContentSink {
 public:
  // `root` is an empty directory; the staging directory is made in it. `is_exact`: see Ownership.
  static Result<DirectoryWriter> open(const std::filesystem::path& root, bool is_exact);

  Result<void> begin(Inode& file) override;
  Result<void> write(Inode& file, std::uint64_t offset, std::string_view bytes) override;
  Result<void> end(Inode& file) override;
  Result<void> discard(Inode& file) override;

  Result<void> finish(FileTree& tree);
  std::uint64_t lost_xattrs() const { return lost_xattrs_; }

 private:
  DirectoryWriter(TempDir staging_directory, UniqueFd root, UniqueFd staging, bool is_exact)
      : staging_directory_(std::move(staging_directory)),
        root_(std::move(root)),
        staging_(std::move(staging)),
        is_exact_(is_exact) {}

  Result<void> fill(int directory_fd, const Inode& directory);
  Result<void> place(int directory_fd, const std::string& name, Inode& inode);
  Result<void> make_node(int directory_fd, const std::string& name, const Inode& inode);
  Result<bool> make_special(int directory_fd, const std::string& name, const Inode& inode);
  Result<void> set_metadata(int fd, const Inode& inode);
  Result<void> set_symlink_metadata(int directory_fd, const std::string& name, const Inode& inode);
  Result<void> set_xattr(int fd, const std::string& name, std::string_view value);

  std::optional<TempDir> staging_directory_;
  UniqueFd root_;
  UniqueFd staging_;
  bool is_exact_;
  UniqueFd current_;
  std::uint32_t next_number_ = 1;
  std::uint64_t lost_xattrs_ = 0;
};

}  // namespace boxlite::disk
