// SPDX-License-Identifier: Apache-2.0
// boxlite-fileserver: started by boxlite-shim, one for each running box that has folders. Descriptor 3 is the
// machine's channel, 4 the directory in which the folders are. What it prints goes to shim.stderr in the
// box's directory.
//
// The guest is hostile, and this process reads what it sends: before the first message is read, the
// directory becomes "/", and all rights but those over the user's own files are given up.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "fileserver/program.h"
#include "fileserver/server.h"
#include "jail/system_calls.h"
#include "linux/capabilities.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {
namespace {

// Descriptors that are not the guest's: the folders' own, kept directories, locks.
constexpr std::size_t reserved_descriptors = 1024;

std::size_t raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > 2 * reserved_descriptors ? limit.rlim_cur - reserved_descriptors
                                                   : limit.rlim_cur / 2;
}

// Whether every user of the host has its number here: only the host's root can change owners.
bool is_hosts_root() {
  const auto map = boxlite::read_file("/proc/self/uid_map", 4096);
  return ::geteuid() == 0 && map && map->find("4294967295") != std::string::npos;
}

// Its own descriptors, which it needs paths of, are a mount by itself, above which nothing is.
Result<void> confine() {
  if (::fchdir(folders_fd) != 0) return fail(syscall_error("chdir", "folders", errno));
  const UniqueFd descriptors(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!descriptors.is_open()) return fail(syscall_error("open_tree", "/proc/self/fd", errno));
  if (::chroot(".") != 0) return fail(syscall_error("chroot", "folders", errno));
  if (::fchdir(descriptors.get()) != 0) return fail(syscall_error("chdir", "/proc/self/fd", errno));
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !linux_::limit_bounding_set(file_capabilities) ||
      !linux_::set_capabilities(file_capabilities))
    return fail(syscall_error("prctl", "capabilities", errno));
// The sanitizers' own system calls are not the server's.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (!jail::SystemCallFilter(jail::ForFileServer()).install())
    return fail(syscall_error("seccomp", "filter", errno));
#endif
  return {};
}

Result<void> run() {
  ::umask(0);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const auto descriptors = raise_file_limit();
  Setup setup{.root = UniqueFd(::fcntl(folders_fd, F_DUPFD_CLOEXEC, 0)),
              .own_descriptors = "",
              .may_give_away = is_hosts_root(),
              .open_files = descriptors - descriptors / 4,
              .watched_directories = descriptors / 4};
  BOXLITE_TRY(confine());
  const auto loop = BOXLITE_TRY(linux_::EventLoop::create());
  Result<void> outcome;
  const auto server =
      BOXLITE_TRY(Server::create(*loop, UniqueFd(channel_fd), std::move(setup), [&](Result<void> end) {
        outcome = std::move(end);
        loop->stop();
      }));
  BOXLITE_TRY(loop->run());
  return outcome;
}

}  // namespace
}  // namespace boxlite::fileserver

int main() {
  try {
    const auto outcome = boxlite::fileserver::run();
    if (outcome) return 0;
    std::fprintf(stderr, "boxlite-fileserver: %s\n", outcome.error().message().c_str());
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "boxlite-fileserver: bug: %s\n", bug.what());
  }
  return 1;
}
