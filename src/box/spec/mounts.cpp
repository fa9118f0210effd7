// SPDX-License-Identifier: Apache-2.0
#include "box/spec/mounts.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/real_path.h"
#include "box/spec/spec_json.h"

namespace boxlite::box {
namespace {

constexpr std::size_t max_mounts = 256;
constexpr std::size_t max_path = 4095;
constexpr std::size_t max_volume_name = 128;

std::unexpected<Error> wrong(std::string_view field, std::string_view value, std::string_view allowed) {
  return fail(ErrorCode::invalid_argument,
              concat("mount ", field, " ", excerpt_in_quotes(value), " is not valid: ", allowed));
}

bool is_letter_or_digit(char character) {
  return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
         (character >= 'a' && character <= 'z');
}

bool has_dot_dot(std::string_view path) {
  return concat(path, "/").find("/../") != std::string::npos;
}

Result<void> check_path(std::string_view field, std::string_view path) {
  if (!path.starts_with('/')) return wrong(field, path, "it must be an absolute path");
  if (path.find('\0') != std::string_view::npos) return wrong(field, path, "it must not hold a zero byte");
  if (path.size() > max_path) return wrong(field, path, concat("at most ", max_path, " bytes"));
  return {};
}

Result<void> check_target(std::string_view target) {
  BOXLITE_TRY(check_path("target", target));
  if (has_dot_dot(target)) return wrong("target", target, "it must not contain \"..\"");
  const auto tidy = tidy_box_path(target);
  if (tidy == "/") return wrong("target", target, "the root of the box cannot be replaced");
  if (tidy == "/proc" || tidy.starts_with("/proc/"))
    return wrong("target", target, "nothing can be mounted in /proc");
  // What is hidden there every program counts on: /dev/null would be a file, and no terminal would open.
  if (tidy == "/dev" || tidy == "/dev/pts" || tidy.starts_with("/dev/pts/"))
    return wrong("target", target, "the devices there are those of the box; mount single files, or /dev/shm");
  return {};
}

}  // namespace

std::string tidy_box_path(std::string_view path) {
  std::string tidy;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") tidy += concat("/", part);
  }
  return tidy.empty() ? "/" : tidy;
}

Result<void> check_volume_name(std::string_view name) {
  const bool is_good = name.size() >= 2 && name.size() <= max_volume_name &&
                       is_letter_or_digit(name.front()) && std::ranges::all_of(name, [](char c) {
                         return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
                       });
  if (is_good) return {};
  return fail(
      Error(ErrorCode::invalid_argument,
            concat("volume name ", excerpt_in_quotes(name),
                   " is not valid: 2 to 128 letters, digits, \"_\", \".\" and \"-\", of which the first "
                   "is a letter or digit"))
          .with_remedy("to share a directory of the host, give its absolute path"));
}

Result<void> check(const Mount& mount) {
  BOXLITE_TRY(check_target(mount.target));
  switch (mount.type) {
    case MountType::bind: BOXLITE_TRY(check_path("source", mount.source)); break;
    case MountType::socket:
      BOXLITE_TRY(check_path("source", mount.source));
      if (mount.read_only)
        return wrong("source", mount.source, "what is said to a socket cannot be read-only");
      break;
    case MountType::volume:
      if (!mount.source.empty()) BOXLITE_TRY(check_volume_name(mount.source));
      break;
    case MountType::tmpfs:
      if (!mount.source.empty()) return wrong("source", mount.source, "a tmpfs has none");
      for (const auto id : {mount.tmpfs_uid, mount.tmpfs_gid}) {
        if (id == ~0u) return wrong("owner", concat(id), "that number stands for nobody");
      }
      if (mount.tmpfs_mode > 07777) return wrong("mode", concat(mount.tmpfs_mode), "at most octal 7777");
      break;
  }
  return {};
}

Result<void> check(const std::vector<Mount>& mounts) {
  if (mounts.size() > max_mounts) {
    return fail(ErrorCode::invalid_argument, concat(mounts.size(), " mounts: at most ", max_mounts));
  }
  std::set<std::string> targets;
  for (const auto& mount : mounts) {
    BOXLITE_TRY(check(mount));
    if (targets.insert(tidy_box_path(mount.target)).second) continue;
    return fail(ErrorCode::invalid_argument, concat("two mounts at ", in_quotes(mount.target)));
  }
  return {};
}

Result<void> follow_symlinks(std::vector<Mount>& mounts,
                             const std::vector<std::filesystem::path>& distrusted) {
  for (auto& mount : mounts) {
    if (mount.type != MountType::bind && mount.type != MountType::socket) continue;
    mount.source =
        BOXLITE_TRY_CONTEXT(concat("share ", in_quotes(mount.source)), real_path(mount.source, distrusted))
            .native();
  }
  return {};
}

Result<std::vector<std::filesystem::path>> writable_folders(store::BoxTable& boxes) {
  std::vector<std::filesystem::path> folders;
  for (const auto& record : BOXLITE_TRY(boxes.list())) {
    const auto spec = parse_box_spec(record.spec);
    if (!spec) continue;
    for (const auto& mount : spec->mounts) {
      if (mount.type == MountType::bind && !mount.read_only) folders.emplace_back(mount.source);
    }
  }
  return folders;
}

Result<shimlink::Folder> folder_of(const Mount& mount, const std::filesystem::path& volumes) {
  shimlink::Folder folder{.box_path = tidy_box_path(mount.target), .is_read_only = mount.read_only};
  if (mount.type == MountType::volume) {
    folder.host_path = volumes / mount.source;
    folder.is_volume = true;
    folder.fill = !mount.no_copy;
    return folder;
  }
  folder.host_path = mount.source;
  auto opened = open_without_symlinks(mount.source, O_PATH);
  if (!opened) {
    return fail(std::move(opened).error().context("share").with_remedy(
        "make the directory again, or detach it from the box"));
  }
  struct stat status = {};
  if (::fstat(opened->get(), &status) != 0) return fail(syscall_error("fstat", mount.source, errno));
  if (!S_ISSOCK(status.st_mode)) return folder;
  return fail(
      Error(ErrorCode::invalid_argument, concat("share ", in_quotes(mount.source), ": it is a socket"))
          .with_remedy("to let the box connect to it, mount it as one: type socket, or -v"));
}

Result<std::vector<shimlink::Folder>> folders_of(const std::vector<Mount>& mounts,
                                                 const std::filesystem::path& volumes) {
  std::vector<shimlink::Folder> folders;
  for (const auto& mount : mounts) {
    if (mount.type == MountType::bind || mount.type == MountType::volume)
      folders.push_back(BOXLITE_TRY(folder_of(mount, volumes)));
  }
  return folders;
}

std::vector<Mount> with_systemd_mounts(std::vector<Mount> mounts) {
  constexpr unsigned for_all = 01777;
  std::vector<Mount> all;
  for (const auto& [target, mode] :
       {std::pair("/run", 0755u), std::pair("/run/lock", for_all), std::pair("/tmp", for_all)}) {
    const bool is_taken = std::ranges::any_of(
        mounts, [&](const Mount& mount) { return tidy_box_path(mount.target) == target; });
    if (is_taken) continue;
    // Installers run programs in /tmp.
    all.push_back({.type = MountType::tmpfs, .target = target, .tmpfs_mode = mode, .tmpfs_exec = true});
  }
  all.insert(all.end(), mounts.begin(), mounts.end());
  return all;
}

Result<std::vector<std::filesystem::path>> host_sockets_of(const std::vector<Mount>& mounts) {
  std::vector<std::filesystem::path> paths;
  for (const auto& mount : mounts) {
    if (mount.type != MountType::socket) continue;
    auto opened = open_without_symlinks(mount.source, O_PATH);
    if (!opened && opened.error().os_error() == ELOOP) return fail(std::move(opened).error());
    struct stat status = {};
    const bool is_there = ::stat(mount.source.c_str(), &status) == 0;
    if (!is_there || !S_ISSOCK(status.st_mode)) {
      auto error = is_there ? Error(ErrorCode::invalid_argument,
                                    concat("socket ", in_quotes(mount.source), ": it is not a socket"))
                            : syscall_error("find socket", mount.source, errno);
      return fail(
          std::move(error).with_remedy("start the service that listens there, or make the box without it"));
    }
    paths.emplace_back(mount.source);
  }
  return paths;
}

void add_socket_mounts(const std::vector<Mount>& mounts, wire::msg::ContainerSpec& container) {
  std::uint32_t number = 0;
  for (const auto& mount : mounts) {
    if (mount.type != MountType::socket) continue;
    auto& entry = *container.add_mounts();
    entry.set_target(tidy_box_path(mount.target));
    entry.set_host_socket(++number);
  }
}

void add_tmpfs_mounts(const std::vector<Mount>& mounts, wire::msg::ContainerSpec& container) {
  for (const auto& mount : mounts) {
    if (mount.type != MountType::tmpfs) continue;
    auto& entry = *container.add_mounts();
    entry.set_target(tidy_box_path(mount.target));
    entry.set_read_only(mount.read_only);
    entry.set_tmpfs_bytes(mount.tmpfs_bytes);
    entry.set_tmpfs_mode(mount.tmpfs_mode);
    entry.set_tmpfs_uid(mount.tmpfs_uid);
    entry.set_tmpfs_gid(mount.tmpfs_gid);
    entry.set_tmpfs_exec(mount.tmpfs_exec);
    entry.set_tmpfs_suid(mount.tmpfs_suid);
    entry.set_tmpfs_dev(mount.tmpfs_dev);
  }
}

}  // namespace boxlite::box
