// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/ids.h"
#include "base/scope_exit.h"

namespace boxlite {

namespace fs = std::filesystem;

Result<UniqueFd> open_file(const fs::path& path, int flags, unsigned mode) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail(syscall_error("open", path.native(), errno));
  return UniqueFd(fd);
}

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_RDONLY));
  return read_all(file.get(), path.native(), limit);
}

Result<std::string> read_all(int fd, std::string_view what, std::size_t limit) {
  std::string content;
  while (true) {
    const std::size_t old_size = content.size();
    content.resize(old_size + 16384);
    ssize_t count;
    do count = ::read(fd, content.data() + old_size, 16384);
    while (count < 0 && errno == EINTR);
    if (count < 0) return fail(syscall_error("read", what, errno));
    content.resize(old_size + static_cast<std::size_t>(count));
    if (count == 0) return content;
    if (content.size() > limit) {
      return fail(ErrorCode::corrupted,
                  concat("read ", in_quotes(what), ": larger than the limit of ", limit, " bytes"));
    }
  }
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail(syscall_error("write", what, errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code failed;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed))
    entries.push_back(entry->path());
  return entries;
}

bool is_there(const fs::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0;
}

Result<void> write_file_atomic(const fs::path& path, std::string_view content, unsigned mode) {
  const fs::path temporary = concat(path.native(), ".", new_id(), ".tmp");
  auto file = BOXLITE_TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  ScopeExit discard([&] { ::unlink(temporary.c_str()); });
  BOXLITE_TRY(write_all(file.get(), content, temporary.native()));
  if (::fsync(file.get()) != 0) return fail(syscall_error("fsync", temporary.native(), errno));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail(syscall_error("rename to", path.native(), errno));
  }
  discard.release();
  return fsync_directory(path.parent_path());
}

Result<void> fsync_directory(const fs::path& directory) {
  const UniqueFd fd = BOXLITE_TRY(open_file(directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail(syscall_error("fsync", directory.native(), errno));
  return {};
}

Result<void> make_directories(const fs::path& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || !path.has_parent_path() || path.parent_path() == path) {
    return fail(syscall_error("mkdir", path.native(), errno));
  }
  BOXLITE_TRY(make_directories(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return fail(syscall_error("mkdir", path.native(), errno));
  }
  return {};
}

Result<void> remove_tree(const fs::path& path) {
  std::error_code error;
  // Another process that removes the same tree takes an entry away under our hands: the rest is still to be
  // removed.
  for (int rivals = 0; rivals < 1000; ++rivals) {
    fs::remove_all(path, error);
    if (error != std::errc::no_such_file_or_directory) break;
  }
  if (error) return fail(syscall_error("remove", path.native(), error.value()));
  return {};
}

Result<TempDir> TempDir::create(const fs::path& parent, std::string_view prefix) {
  const fs::path path = parent / concat(prefix, new_id());
  if (::mkdir(path.c_str(), 0700) != 0) return fail(syscall_error("mkdir", path.native(), errno));
  return TempDir(path);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  if (!path_.empty()) (void)remove_tree(path_);
}

}  // namespace boxlite
