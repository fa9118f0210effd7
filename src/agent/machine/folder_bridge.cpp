// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/folder_bridge.h"

#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"
#include "fuse/bridge.h"
#include "fuse/messages.h"
#include "fuse/rehearsal.h"
#include "fuse/repeater.h"
#include "linux/sockets/fd_passing.h"

namespace boxlite::agent {
namespace {

// No other descriptor is left open, and it is no process to be killed for memory.
void keep_only(int kept) {
  ::prctl(PR_SET_NAME, "folders");
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY))
    (void)write_all(file->get(), "-1000", "oom_score_adj");
  ::close_range(3, static_cast<unsigned>(kept) - 1, 0);
  ::close_range(static_cast<unsigned>(kept) + 1, ~0u, 0);
}

// What carry() sends: each in a packet of its own, and nothing where there is none.
constexpr std::size_t end_count = 3;

std::optional<fuse::Ends> receive_ends(int control_fd) {
  std::array<UniqueFd, end_count> fds;
  for (auto& fd : fds) {
    pollfd readable{control_fd, POLLIN, 0};
    while (::poll(&readable, 1, -1) < 0) {
      if (errno != EINTR) return {};
    }
    auto part = linux_::receive_with_fd(control_fd);
    if (!part || part->bytes.empty()) return {};
    fd = std::move(part->fd);
  }
  return fuse::Ends{std::move(fds[0]), std::move(fds[1]), std::move(fds[2])};
}

void carry_one_after_the_other(int control_fd, const std::string& root) {
  while (auto ends = receive_ends(control_fd)) {
    fuse::Bridge bridge(std::move(*ends));
    fuse::run_and_repeat(bridge, root);
    (void)!::write(control_fd, "e", 1);
  }
}

// The container's pid namespace gets all children of the agent, and would not end before this one.
template <typename Run>
Result<pid_t> start_outside(const Run& run) {
  const auto own = BOXLITE_TRY(open_file("/proc/self/ns/pid", O_RDONLY));
  const auto of_children = open_file("/proc/self/ns/pid_for_children", O_RDONLY);
  if (::setns(own.get(), CLONE_NEWPID) != 0) return fail(syscall_error("setns", "pid", errno));
  const pid_t child = ::fork();
  const int os_error = errno;
  if (child == 0) {
    run();
    ::_exit(0);
  }
  if (of_children && ::setns(of_children->get(), CLONE_NEWPID) != 0)
    return fail(syscall_error("setns", "pid", errno));
  if (child < 0) return fail(syscall_error("fork", "folders", os_error));
  return child;
}

}  // namespace

Result<void> tell_box_user(int port_fd, const wire::BoxUser& user) {
  return write_all(port_fd, fuse::order_message(wire::box_user_order, fuse::bytes_of(user)), "folders");
}

Result<FolderBridge> FolderBridge::start(const std::string& root) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(syscall_error("socketpair", "folders", errno));
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  BOXLITE_TRY(start_outside([&] {
    keep_only(theirs.get());
    carry_one_after_the_other(theirs.get(), root);
  }));
  return FolderBridge(std::move(ours));
}

Result<void> FolderBridge::carry(fuse::Ends ends) const {
  for (const int fd : {ends.device.get(), ends.stream.get(), ends.abort.get()}) {
    const std::span fds(&fd, fd >= 0 ? 1 : 0);
    BOXLITE_TRY_CONTEXT("folders", linux_::send_with_fds(control_.get(), "f", fds, linux_::WhenFull::wait));
  }
  return {};
}

void FolderBridge::wait() const {
  char done = 0;
  while (::read(control_.get(), &done, 1) < 0 && errno == EINTR) continue;
}

Result<pid_t> start_one_file_server(UniqueFd stream) {
  return start_outside([&] {
    keep_only(stream.get());
    fuse::serve_one_file(stream.get());
  });
}

}  // namespace boxlite::agent
