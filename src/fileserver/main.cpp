// SPDX-License-Identifier: Apache-2.0
// boxlite-fileserver: started by boxlite-shim, one for each running box that has folders. Descriptor 3 is the
// machine's channel, 4 the directory in which the folders are (more: program.h). What it prints goes to
// shim.stderr in the box's directory.
//
// The guest is hostile, and this process reads what it sends: before the first message is read, the
// directory becomes "/", and all rights but those over the user's own files are given up.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/sanitizers.h"
#include "fileserver/program.h"
#include "fileserver/server.h"
#include "jail/system_calls.h"
#include "linux/event_loop.h"
#include "linux/process/capabilities.h"

namespace boxlite::fileserver {
namespace {

std::size_t raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// What the guest has open is the most of them; watches and locks have their share, and the rest is for kept
// directories, requests and tasks.
void divide_descriptors(Setup& setup, std::size_t all) {
  const auto rest = std::min<std::size_t>(1024, all / 8);
  setup.lock_owners = std::min(setup.lock_owners, all / 8);
  setup.watched_directories = all / 4;
  setup.open_files = all - setup.watched_directories - setup.lock_owners - rest;
}

// The user's other programs watch as well.
std::size_t share_of_watches() {
  const auto text = boxlite::read_file("/proc/sys/fs/inotify/max_user_watches", 4096);
  return text ? std::strtoul(text->c_str(), nullptr, 10) / 2 : 4096;
}

// Whether every user of the host has its number here: only the host's root can change owners.
bool is_hosts_root() {
  const auto map = boxlite::read_file("/proc/self/uid_map", 4096);
  return ::geteuid() == 0 && map && map->find("4294967295") != std::string::npos;
}

// Its own descriptors, which it needs paths of, are a mount by itself, above which nothing is.
Result<void> confine(Setup& setup) {
  setup.own_descriptor_info.reset(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, "/proc/self/fdinfo", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!setup.own_descriptor_info.is_open())
    return fail(syscall_error("open_tree", "/proc/self/fdinfo", errno));
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
#if !defined(BOXLITE_ADDRESS_SANITIZER) && !defined(BOXLITE_THREAD_SANITIZER)
  if (!jail::SystemCallFilter(jail::ForFileServer()).install())
    return fail(syscall_error("seccomp", "filter", errno));
#endif
  return {};
}

// Grows with what comes: the size that was said is not believed.
Result<std::string> read_exactly(int fd, std::uint64_t size) {
  constexpr std::uint64_t step = 1u << 20;
  std::string bytes;
  while (bytes.size() < size) {
    const auto begin = bytes.size();
    bytes.resize(begin + std::min(step, size - begin));
    const auto got = ::read(fd, bytes.data() + begin, bytes.size() - begin);
    if (got == 0 || (got < 0 && errno != EINTR))
      return fail(ErrorCode::corrupted, "the state that is to be taken up ends early");
    bytes.resize(begin + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  return bytes;
}

Result<ServerState> read_state() {
  std::uint64_t size = 0;
  const auto header = BOXLITE_TRY(read_exactly(orders_fd, sizeof size));
  std::memcpy(&size, header.data(), sizeof size);
  if (size > max_state_bytes) return fail(ErrorCode::corrupted, concat("a state of ", size, " bytes"));
  const auto bytes = BOXLITE_TRY(read_exactly(orders_fd, size));
  return decode_server_state(bytes);
}

Result<void> write_state(const ServerState& state) {
  const auto bytes = encode(state);
  const std::uint64_t size = bytes.size();
  BOXLITE_TRY(write_all(orders_fd, bytes_of(size), "state"));
  return write_all(orders_fd, bytes, "state");
}

// What whoever started this process says to it.
class Orders {
 public:
  Orders(linux_::EventLoop& loop, Server& server, Result<void>& outcome)
      : loop_(loop), server_(server), outcome_(outcome) {}

  Result<void> begin() {
    watch_ = BOXLITE_TRY(loop_.watch(orders_fd, true, false, [this](linux_::Readiness) { take(); }));
    return {};
  }

 private:
  void take() {
    char order = 0;
    const auto got = ::read(orders_fd, &order, 1);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) return watch_.reset();
    if (order != suspend_order) return;
    outcome_ = write_state(server_.suspend());
    loop_.stop();
  }

  linux_::EventLoop& loop_;
  Server& server_;
  Result<void>& outcome_;
  linux_::EventLoop::Watch watch_;
};

Result<void> run(std::string_view word) {
  ::umask(0);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  Setup setup{.root = UniqueFd(::fcntl(folders_fd, F_DUPFD_CLOEXEC, 0)),
              .own_descriptors = "",
              .may_give_away = is_hosts_root(),
              .watches = share_of_watches()};
  divide_descriptors(setup, raise_file_limit());
  BOXLITE_TRY(confine(setup));
  const auto loop = BOXLITE_TRY(linux_::EventLoop::create());
  Result<void> outcome;
  const auto server =
      BOXLITE_TRY(Server::create(*loop, UniqueFd(channel_fd), std::move(setup), [&](Result<void> end) {
        outcome = std::move(end);
        loop->stop();
      }));
  if (word == resume_word) {
    const auto state = BOXLITE_TRY(read_state());
    BOXLITE_TRY(server->take_up(state));
  }
  Orders orders(*loop, *server, outcome);
  if (!word.empty()) BOXLITE_TRY(orders.begin());
  BOXLITE_TRY(loop->run());
  return outcome;
}

}  // namespace
}  // namespace boxlite::fileserver

#ifdef BOXLITE_ADDRESS_SANITIZER
// It looks at the process from outside, which nothing may any more.
extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off() {
  return 1;
}
#endif

int main(int count, char** words) {
  try {
    const auto outcome = boxlite::fileserver::run(count > 1 ? words[1] : "");
    if (outcome) return 0;
    std::fprintf(stderr, "boxlite-fileserver: %s\n", outcome.error().message().c_str());
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "boxlite-fileserver: bug: %s\n", bug.what());
  }
  return 1;
}
