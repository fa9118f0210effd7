// SPDX-License-Identifier: Apache-2.0
// Whole files in one call. Paths are bytes; nothing here follows a policy about symlinks.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite {

// open(2) with O_CLOEXEC added and EINTR retried.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);

// At most `limit` bytes; a larger file is an error (corrupted), so that a file someone else wrote cannot fill
// our memory.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 16u << 20);
// The same from where a descriptor stands; `what` names it in errors.
Result<std::string> read_all(int fd, std::string_view what, std::size_t limit = 16u << 20);

// Readers see the old content or the new one, never a part, also after a power cut: write beside, fsync,
// rename, fsync the directory.
Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view content,
                               unsigned mode = 0600);

// All of it, with EINTR and short writes retried.
Result<void> write_all(int fd, std::string_view bytes, std::string_view what);

Result<void> fsync_directory(const std::filesystem::path& directory);

// Like mkdir -p; the new directories get `mode`.
Result<void> make_directories(const std::filesystem::path& path, unsigned mode = 0700);

// What is in a directory, in no order; as much of it as could be read when it is gone or goes meanwhile. (The
// loop over a std::filesystem::directory_iterator throws then, whatever it was made with.)
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory);

// Whether there is anything of that name, a dangling symlink too.
bool is_there(const std::filesystem::path& path);

// Like rm -rf, never through a symlink; a path that is not there is a success, and so is a
// rival that removes it at the same time.
Result<void> remove_tree(const std::filesystem::path& path);

// A new private directory inside `parent`, removed with everything in it when the object goes.
class TempDir {
 public:
  static Result<TempDir> create(const std::filesystem::path& parent, std::string_view prefix);
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }
  // Keeps the directory; the caller owns it from now on.
  std::filesystem::path release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace boxlite
