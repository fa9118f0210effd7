// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/folders.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/container/accounts.h"
#include "agent/container/container_visit.h"
#include "agent/container/volume_fill.h"
#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "agent/tunnels/host_sockets.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"
#include "fuse/bridge.h"
#include "fuse/rehearsal.h"
#include "linux/files/mounts.h"
#include "wire/folder_orders.h"

namespace boxlite::agent {
namespace {

constexpr std::string_view shares_dir = "/run/box/shares";
constexpr std::chrono::milliseconds settling_limit(10'000);
constexpr std::size_t account_file_limit = 1u << 20;

std::string share_path(std::string_view tag) {
  return concat(shares_dir, "/", tag);
}

Result<void> check(const wire::msg::Mount& mount) {
  const auto is_name = [](std::string_view text) {
    return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
  };
  const bool is_folder = !mount.share().empty();
  if (is_folder && (!is_name(mount.share()) || !is_name(mount.source()))) {
    return fail(ErrorCode::invalid_argument,
                concat("no folder ", in_quotes(mount.source()), " in share ", in_quotes(mount.share())));
  }
  if (mount.target().size() < 2 || mount.target().front() != '/') {
    return fail(ErrorCode::invalid_argument, concat("cannot mount at ", in_quotes(mount.target())));
  }
  return {};
}

Result<DetachedMount> detached_tmpfs(const wire::msg::Mount& mount) {
  std::array<char, 16> octal{};
  std::snprintf(octal.data(), octal.size(), "%o",
                mount.tmpfs_mode() == 0 ? 01777u : mount.tmpfs_mode() & 07777u);
  const std::string size = mount.tmpfs_bytes() == 0 ? std::string("50%") : concat(mount.tmpfs_bytes());
  const std::uint64_t attributes =
      (mount.tmpfs_exec() ? 0 : MOUNT_ATTR_NOEXEC) | (mount.tmpfs_suid() ? 0 : MOUNT_ATTR_NOSUID) |
      (mount.tmpfs_dev() ? 0 : MOUNT_ATTR_NODEV) | (mount.read_only() ? MOUNT_ATTR_RDONLY : 0);
  auto tree = BOXLITE_TRY(linux_::new_mount("tmpfs",
                                            {{"mode", octal.data()},
                                             {"size", size},
                                             {"uid", concat(mount.tmpfs_uid())},
                                             {"gid", concat(mount.tmpfs_gid())}},
                                            attributes));
  return DetachedMount{std::move(tree), mount.target()};
}

Result<DetachedMount> detached_socket(const wire::msg::Mount& mount) {
  const auto place = BOXLITE_TRY(open_file(host_socket_path(mount.host_socket()), O_PATH | O_NOFOLLOW));
  return DetachedMount{BOXLITE_TRY(linux_::clone_mount(place.get())), mount.target(), false};
}

// Both as run by visit_mounts.
struct Attachment {
  int mount_fd;
  int target_fd;
};

int attach_there(void* argument) {
  const auto& attachment = *static_cast<Attachment*>(argument);
  const bool done = ::syscall(SYS_move_mount, attachment.mount_fd, "", attachment.target_fd, "",
                              MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
  return done ? 0 : errno;
}

int unmount_there(void* path) {
  return ::umount2(static_cast<const char*>(path), MNT_DETACH) == 0 ? 0 : errno;
}

// The kernel would say "not a directory" of either.
Result<void> check_kind(int root_fd, const std::string& target, bool is_directory) {
  const auto there = linux_::open_in_root(root_fd, target, O_PATH);
  struct stat status = {};
  if (!there || ::fstat(there->get(), &status) != 0 || S_ISDIR(status.st_mode) == is_directory) return {};
  return fail(
      Error(ErrorCode::invalid_argument,
            is_directory
                ? concat(in_quotes(target), " is a file in the box, and what is mounted there a directory")
                : concat(in_quotes(target), " is a directory in the box, and what is mounted there a file"))
          .with_remedy(is_directory ? "name a directory of the box, or a file of the host"
                                    : "name the file in the box: the directory, and a name in it"));
}

// The kernel checks modes and owners by what the server says of files.
Result<UniqueFd> mount_fuse(int device_fd) {
  return linux_::new_mount("fuse",
                           {{"source", "folders"},
                            {"fd", concat(device_fd)},
                            {"rootmode", "40000"},
                            {"user_id", "0"},
                            {"group_id", "0"},
                            {"default_permissions", ""},
                            {"allow_other", ""}},
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

// Of the box's disk.
std::string account_file(const char* path) {
  const auto root = open_file(root_dir, O_PATH | O_DIRECTORY);
  if (!root) return {};
  const auto file = linux_::open_in_root(root->get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return {};
  return read_file(concat("/proc/self/fd/", file->get()), account_file_limit).value_or(std::string());
}

Result<UniqueFd> open_or_make(int root_fd, const std::string& target, bool is_directory) {
  BOXLITE_TRY(check_kind(root_fd, target, is_directory));
  return is_directory ? linux_::open_or_make_directory(root_fd, target)
                      : linux_::open_or_make_file(root_fd, target);
}

}  // namespace

Result<void> Folders::mount_share() {
  if (is_mounted_) return {};
  return mount_share(BOXLITE_TRY(open_port(wire::folders_port_name, 0)));
}

Result<void> Folders::mount_share(UniqueFd stream) {
  const std::string path(share_path(wire::folders_share));
  BOXLITE_TRY(make_directories(path));
  auto device = BOXLITE_TRY(open_file("/dev/fuse", O_RDWR));
  // A user who is not there is what the command will fail of.
  const auto user =
      resolve_user(box_user_, account_file("/etc/passwd"), account_file("/etc/group")).value_or(Account());
  BOXLITE_TRY(tell_box_user(stream.get(), {.uid = user.uid, .gid = user.gid}));
  const auto mount = BOXLITE_TRY(mount_fuse(device.get()));
  if (!control_.is_open()) control_ = BOXLITE_TRY(fuse::mount_control());
  auto ends = BOXLITE_TRY(fuse::join(std::move(device), std::move(stream), mount.get()));
  if (!bridge_.is_started()) bridge_ = BOXLITE_TRY(FolderBridge::start(path));
  BOXLITE_TRY(bridge_.carry(std::move(ends)));
  const auto place = BOXLITE_TRY(open_file(path, O_PATH | O_DIRECTORY));
  BOXLITE_TRY(linux_::attach_mount(mount.get(), place.get()));
  is_mounted_ = true;
  return {};
}

Result<void> Folders::rehearse() {
  (void)find_port(wire::folders_port_name);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(syscall_error("socketpair", "", errno));
  UniqueFd stream(ends[0]);
  const auto server = BOXLITE_TRY(start_one_file_server(UniqueFd(ends[1])));
  const auto mounted = mount_share(std::move(stream));
  if (mounted) fuse::use_one_file(share_path(wire::folders_share));
  unmount_share();
  // A machine is saved with nothing of it under way.
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  if (mounted) bridge_.wait();
  return mounted;
}

Result<void> Folders::mount_share(const google::protobuf::RepeatedPtrField<wire::msg::Mount>& mounts) {
  for (const auto& mount : mounts) {
    BOXLITE_TRY(check(mount));
    if (!mount.share().empty()) BOXLITE_TRY(mount_share());
  }
  return {};
}

Result<DetachedMount> detached_mount(const wire::msg::Mount& mount) {
  if (mount.host_socket() != 0) return detached_socket(mount);
  if (mount.share().empty()) return detached_tmpfs(mount);
  auto path = concat(share_path(mount.share()), "/", mount.source());
  if (mount.is_volume()) {
    if (mount.fill()) {
      const auto volume = BOXLITE_TRY(open_file(path, O_RDONLY | O_DIRECTORY));
      BOXLITE_TRY_CONTEXT(concat("fill the volume at ", in_quotes(mount.target())),
                          fill_volume(volume.get(), mount.target()));
    }
    path += "/data";
  }
  const auto place = BOXLITE_TRY(open_file(path, O_PATH | O_NOFOLLOW));
  struct stat status = {};
  if (::fstat(place.get(), &status) != 0) return fail(syscall_error("fstat", path, errno));
  DetachedMount detached{BOXLITE_TRY(linux_::clone_mount(place.get())), mount.target(),
                         S_ISDIR(status.st_mode)};
  if (mount.read_only()) BOXLITE_TRY(linux_::add_mount_attributes(detached.tree.get(), MOUNT_ATTR_RDONLY));
  return detached;
}

Result<void> attach(int root_fd, const DetachedMount& mount) {
  const auto place = BOXLITE_TRY(open_or_make(root_fd, mount.target, mount.is_directory));
  return linux_::attach_mount(mount.tree.get(), place.get());
}

Result<wire::msg::AddFolderResponse> Folders::add(const Container& container,
                                                  const wire::msg::AddFolderRequest& request) {
  const auto what = concat("mount ", in_quotes(request.mount().target()));
  BOXLITE_TRY_CONTEXT(what, check(request.mount()));
  if (!request.mount().share().empty()) BOXLITE_TRY_CONTEXT(what, mount_share());
  const auto detached = BOXLITE_TRY_CONTEXT(what, detached_mount(request.mount()));
  const auto place =
      BOXLITE_TRY_CONTEXT(what, open_or_make(container.root_fd(), detached.target, detached.is_directory));
  Attachment attachment{detached.tree.get(), place.get()};
  if (const int os_error = BOXLITE_TRY(visit_mounts(container.mount_namespace(), attach_there, &attachment));
      os_error != 0)
    return fail(syscall_error("mount", detached.target, os_error));
  return wire::msg::AddFolderResponse();
}

Result<wire::msg::RemoveFolderResponse> Folders::remove(const Container& container,
                                                        const wire::msg::RemoveFolderRequest& request) const {
  const auto place = BOXLITE_TRY(linux_::open_in_root(container.root_fd(), request.target(), O_PATH));
  // By descriptor: nobody can put a symlink in its way.
  auto path = concat("/proc/self/fd/", place.get());
  if (const int os_error = BOXLITE_TRY(visit_mounts(container.mount_namespace(), unmount_there, path.data()));
      os_error != 0)
    return fail(syscall_error("unmount", request.target(), os_error));
  return wire::msg::RemoveFolderResponse();
}

// The kernel has a number to be read, once from each open file, and nothing that tells when it changes.
Result<bool> Folders::has_waiting(int place_fd) const {
  const auto waiting = BOXLITE_TRY(fuse::open_control(control_.get(), place_fd, "waiting", O_RDONLY));
  char first = 0;
  if (::read(waiting.get(), &first, 1) != 1) return fail(syscall_error("read", "waiting", errno));
  return first != '0';
}

void Folders::settle() const {
  if (!is_mounted_) return;
  const auto place = open_file(share_path(wire::folders_share), O_PATH | O_DIRECTORY);
  if (!place) return log_line(place.error().message());
  const auto deadline = Deadline::after(settling_limit);
  auto waits = has_waiting(place->get());
  for (; waits && *waits && !deadline.has_passed(); waits = has_waiting(place->get()))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (!waits) return log_line(waits.error().message());
  if (*waits) log_line("folders: what was written through mappings may not have come to the host");
}

void Folders::unmount_share() {
  if (!std::exchange(is_mounted_, false)) return;
  if (::umount2(share_path(wire::folders_share).c_str(), MNT_DETACH) != 0)
    log_line(syscall_error("unmount", "folders", errno).message());
}

}  // namespace boxlite::agent
