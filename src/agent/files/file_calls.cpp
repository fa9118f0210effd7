// SPDX-License-Identifier: Apache-2.0
// The methods of the service Files that look at names and change them.
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files/file_worker.h"
#include "base/concat.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t list_bytes = 24u << 10;  // of one frame; one more entry always fits in
constexpr std::size_t longest_link = 4096;
constexpr std::size_t most_levels = 2000;

using Directory = std::unique_ptr<DIR, decltype([](DIR* directory) { ::closedir(directory); })>;

Result<Directory> open_directory(int parent_fd, const char* name, int flags) {
  UniqueFd fd(::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
  if (!fd.is_open()) return fail(syscall_error("open directory", name, errno));
  Directory directory(::fdopendir(fd.get()));
  if (!directory) return fail(syscall_error("open directory", name, errno));
  (void)fd.release();
  return directory;
}

bool is_dots(std::string_view name) {
  return name == "." || name == "..";
}

// Without recursion: a tree may be deeper than our stack. Symlinks are removed, never followed.
Result<void> empty_directory(Directory top) {
  struct Level {
    Directory directory;
    std::string name;  // in the level above
  };
  std::vector<Level> levels;
  levels.push_back({std::move(top), {}});
  while (!levels.empty()) {
    auto* const directory = levels.back().directory.get();
    const auto* const entry = ::readdir(directory);
    if (entry == nullptr) {
      const auto name = std::move(levels.back().name);
      levels.pop_back();
      if (!levels.empty() &&
          ::unlinkat(::dirfd(levels.back().directory.get()), name.c_str(), AT_REMOVEDIR) != 0)
        return fail(syscall_error("remove", name, errno));
      continue;
    }
    if (is_dots(entry->d_name)) continue;
    const int fd = ::dirfd(directory);
    if (::unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT) continue;
    if (errno != EISDIR && errno != EPERM) return fail(syscall_error("remove", entry->d_name, errno));
    if (levels.size() == most_levels) return fail(ErrorCode::resource_exhausted, "the tree is too deep");
    auto below = BOXLITE_TRY(open_directory(fd, entry->d_name, O_NOFOLLOW));
    levels.push_back({std::move(below), entry->d_name});
  }
  return {};
}

Result<void> make_one_directory(const std::string& path, unsigned mode, const Account& owner,
                                bool may_exist) {
  if (::mkdir(path.c_str(), mode) != 0) {
    struct stat status = {};
    if (errno == EEXIST && may_exist && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
      return {};
    return fail(syscall_error("make directory", path, errno));
  }
  if (::lchown(path.c_str(), owner.uid, owner.gid) != 0)
    return fail(syscall_error("change owner of", path, errno));
  return {};
}

}  // namespace

Result<void> check_path(std::string_view path) {
  if (path.empty()) return fail(ErrorCode::invalid_argument, "the path is empty");
  if (path.size() > 4095) return fail(ErrorCode::invalid_argument, "the path is longer than 4095 bytes");
  if (path.find('\0') != path.npos) return fail(ErrorCode::invalid_argument, "the path contains a zero byte");
  return {};
}

Result<wire::msg::FileStat> describe_file(int directory_fd, const char* name, bool follow_link) {
  struct stat status = {};
  const int flags = *name == '\0' ? AT_EMPTY_PATH : follow_link ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(directory_fd, name, &status, flags) != 0) return fail(syscall_error("find", name, errno));
  wire::msg::FileStat file;
  file.set_mode(status.st_mode);
  file.set_uid(status.st_uid);
  file.set_gid(status.st_gid);
  file.set_size(static_cast<std::uint64_t>(status.st_size));
  file.set_modified_ns(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
  file.set_inode(status.st_ino);
  file.set_links(static_cast<std::uint32_t>(status.st_nlink));
  if (S_ISLNK(status.st_mode)) {
    std::array<char, longest_link> target;
    const auto length = ::readlinkat(directory_fd, name, target.data(), target.size());
    if (length >= 0) file.set_link_target(target.data(), static_cast<std::size_t>(length));
  }
  return file;
}

Result<void> stat_file(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::StatRequest>(call.payload));
  BOXLITE_TRY(check_path(request.path()));
  auto file = BOXLITE_TRY(describe_file(AT_FDCWD, request.path().c_str(), request.follow_link()));
  auto name = request.path();
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  file.set_name(name.size() == 1 ? name : name.substr(name.rfind('/') + 1));
  send_result(call.end, file);
  return {};
}

Result<void> list_files(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::ListFilesRequest>(call.payload));
  BOXLITE_TRY(check_path(request.path()));
  const auto directory = BOXLITE_TRY(open_directory(AT_FDCWD, request.path().c_str(), 0));
  OutputFrames out(call.end);
  wire::msg::FileList list;
  std::size_t bytes = 0;
  while (const auto* const entry = ::readdir(directory.get())) {
    if (is_dots(entry->d_name)) continue;
    auto file = describe_file(::dirfd(directory.get()), entry->d_name, false);
    if (!file) continue;  // it went meanwhile
    file->set_name(entry->d_name);
    bytes += file->name().size() + file->link_target().size() + 64;
    *list.add_files() = *std::move(file);
    if (bytes < list_bytes) continue;
    BOXLITE_TRY(out.send(list));
    list.Clear();
    bytes = 0;
  }
  if (list.files_size() > 0) BOXLITE_TRY(out.send(list));
  send_result(call.end, wire::msg::ListFilesResponse());
  return {};
}

Result<void> make_directory(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::MakeDirectoryRequest>(call.payload));
  const auto& path = request.path();
  BOXLITE_TRY(check_path(path));
  if (request.parents()) {
    for (auto slash = path.find('/', 1); slash < path.size() - 1; slash = path.find('/', slash + 1))
      BOXLITE_TRY(make_one_directory(path.substr(0, slash), 0755, call.owner, true));
  }
  const unsigned mode = request.mode() == 0 ? 0755 : request.mode() & 07777;
  BOXLITE_TRY(make_one_directory(path, mode, call.owner, request.parents()));
  send_result(call.end, wire::msg::MakeDirectoryResponse());
  return {};
}

Result<void> remove_file(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::RemoveFileRequest>(call.payload));
  const auto& path = request.path();
  BOXLITE_TRY(check_path(path));
  const auto is_done = [&] { return errno == ENOENT && request.missing_ok(); };
  if (::unlink(path.c_str()) != 0 && !is_done()) {
    if (errno != EISDIR && errno != EPERM) return fail(syscall_error("remove", path, errno));
    if (request.recursive()) {
      auto directory = BOXLITE_TRY(open_directory(AT_FDCWD, path.c_str(), O_NOFOLLOW));
      BOXLITE_TRY_CONTEXT(concat("remove ", in_quotes(path)), empty_directory(std::move(directory)));
    }
    if (::rmdir(path.c_str()) != 0) {
      auto error = syscall_error("remove", path, errno);
      if (errno == ENOTEMPTY) error = std::move(error).with_remedy("remove it recursively");
      return fail(std::move(error));
    }
  }
  send_result(call.end, wire::msg::RemoveFileResponse());
  return {};
}

Result<void> rename_file(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::RenameFileRequest>(call.payload));
  BOXLITE_TRY(check_path(request.from()));
  BOXLITE_TRY(check_path(request.to()));
  const unsigned flags = request.keep_existing() ? RENAME_NOREPLACE : 0;
  if (::renameat2(AT_FDCWD, request.from().c_str(), AT_FDCWD, request.to().c_str(), flags) != 0) {
    auto error = syscall_error(concat("rename ", in_quotes(request.from()), " to"), request.to(), errno);
    if (error.os_error() == EXDEV)
      error = std::move(error).with_remedy("the two are on different file systems: copy instead");
    return fail(std::move(error));
  }
  send_result(call.end, wire::msg::RenameFileResponse());
  return {};
}

}  // namespace boxlite::agent
