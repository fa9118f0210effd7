// SPDX-License-Identifier: Apache-2.0
#include "tar/place.h"

#include <cerrno>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/real_path.h"
#include "tar/safe_directory.h"

namespace boxlite::tar {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

struct Split {
  std::string parent;
  std::string base;
};

// "/a/b" → "/a", "b"; "b" → ".", "b". The path has no slash at its end.
Split split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool ends_in_dot(std::string_view path) {
  return path == "." || path.ends_with("/.");
}

// Without slashes and "/." at the end; "/" stays.
std::string trimmed(std::string path) {
  while (path.size() > 1 && (path.ends_with('/') || path.ends_with("/."))) path.pop_back();
  return path;
}

Result<UniqueFd> open_directory(const std::string& path, Symlinks symlinks = Symlinks::follow) {
  if (symlinks == Symlinks::refuse) return open_without_symlinks(path, directory_flags);
  UniqueFd directory(::open(path.c_str(), directory_flags));
  if (directory.is_open()) return directory;
  if (errno == ENOTDIR)
    return fail(ErrorCode::invalid_argument, concat(in_quotes(path), " is not a directory"));
  return fail(syscall_error("open", path, errno));
}

Result<std::string> resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return fail(syscall_error("find", path, errno));
  return std::string(real.get());
}

Result<void> check_path(std::string_view path) {
  if (path.empty()) return fail(ErrorCode::invalid_argument, "the path is empty");
  if (path.size() > 4095) return fail(ErrorCode::invalid_argument, "the path is longer than 4095 bytes");
  if (path.find('\0') != path.npos) return fail(ErrorCode::invalid_argument, "the path contains a zero byte");
  return {};
}

// As mkdir -p, of an absolute path that leads through no symlink.
Result<void> make_real_parents(const std::string& path) {
  const auto root = BOXLITE_TRY(open_directory("/"));
  const auto name = BOXLITE_TRY(clean_name(path));
  BOXLITE_TRY(SafeDirectory(root.get()).enter(name, [](int, const char*) { return Result<void>(); }));
  return {};
}

// As mkdir -p.
Result<void> make_parents(const std::string& path, std::optional<Owner> owner,
                          Symlinks symlinks = Symlinks::follow) {
  if (symlinks == Symlinks::refuse) return make_real_parents(path);
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) return {};
  if (errno != ENOENT) return fail(syscall_error("stat", path, errno));
  if (path != "/" && path != ".") BOXLITE_TRY(make_parents(split(path).parent, owner));
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return fail(syscall_error("make directory", path, errno));
  if (owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0)
    return fail(syscall_error("change owner of", path, errno));
  return {};
}

Result<Destination> under_new_name(const std::string& path, const TarEntry& first, std::optional<Owner> owner,
                                   Symlinks symlinks) {
  const auto clean = trimmed(path);
  const auto [parent, base] = split(clean);
  if (base == ".." || base == ".") return fail(syscall_error("find", path, ENOENT));
  BOXLITE_TRY(make_parents(parent, owner, symlinks));
  const bool is_content = trimmed(first.name) == ".";
  if (!is_content) return Destination{BOXLITE_TRY(open_directory(parent, symlinks)), base};
  BOXLITE_TRY(make_parents(clean, owner, symlinks));
  return Destination{BOXLITE_TRY(open_directory(clean, symlinks)), std::nullopt};
}

}  // namespace

Result<Source> find_source(const std::string& path, const SourceOptions& options) {
  BOXLITE_TRY(check_path(path));
  const bool wants_content = ends_in_dot(path);
  const bool wants_directory = wants_content || path.ends_with('/');
  const auto clean = trimmed(path);
  const auto typed = split(clean);
  Source source;
  source.archive_name = typed.base;
  if (wants_directory || typed.base.empty() || typed.base == "..") {
    source.directory = BOXLITE_TRY(open_directory(clean, options.symlinks));
    source.name = ".";
    source.is_directory = true;
    if (wants_content || typed.base.empty() || typed.base == "..") source.archive_name = ".";
  } else {
    const bool follows = options.follow_link && options.symlinks == Symlinks::follow;
    const auto place = follows ? split(BOXLITE_TRY(resolve(clean))) : typed;
    source.name = place.base.empty() ? "." : place.base;
    source.directory = BOXLITE_TRY(open_directory(place.parent, options.symlinks));
    struct stat status = {};
    if (::fstatat(source.directory.get(), source.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail(syscall_error("find", path, errno));
    source.is_directory = S_ISDIR(status.st_mode);
  }
  if (source.is_directory && options.without_parent) source.archive_name = ".";
  if (source.is_directory && !options.recursive) {
    return fail(ErrorCode::invalid_argument, concat(in_quotes(path), " is a directory"));
  }
  return source;
}

Result<Destination> find_destination(const std::string& path, const TarEntry& first,
                                     std::optional<Owner> owner, Symlinks symlinks) {
  BOXLITE_TRY(check_path(path));
  const bool brings_directory = first.kind == EntryKind::directory;
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOTDIR)
      return fail(ErrorCode::invalid_argument, concat(in_quotes(path), " is not a directory"));
    if (errno != ENOENT) return fail(syscall_error("find", path, errno));
    const bool names_directory = path.ends_with('/') || ends_in_dot(path);
    if (!brings_directory && names_directory) {
      return fail(ErrorCode::not_found,
                  concat("the destination directory ", in_quotes(path), " does not exist"));
    }
    return under_new_name(path, first, owner, symlinks);
  }
  if (S_ISDIR(status.st_mode)) return Destination{BOXLITE_TRY(open_directory(path, symlinks)), std::nullopt};
  if (brings_directory) {
    return fail(ErrorCode::invalid_argument,
                concat("cannot copy a directory onto the file ", in_quotes(path)));
  }
  // Of one whose symlinks are followed already, the last part is the unpacker's, which follows none.
  const auto [parent, base] =
      split(symlinks == Symlinks::refuse ? trimmed(path) : BOXLITE_TRY(resolve(path)));
  return Destination{BOXLITE_TRY(open_directory(parent, symlinks)), base};
}

Result<Destination> find_directory(const std::string& path) {
  BOXLITE_TRY(check_path(path));
  return Destination{BOXLITE_TRY(open_directory(path)), std::nullopt};
}

}  // namespace boxlite::tar
