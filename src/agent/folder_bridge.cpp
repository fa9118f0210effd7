// SPDX-License-Identifier: Apache-2.0
#include "agent/folder_bridge.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/files.h"
#include "fuse/bridge.h"
#include "fuse/messages.h"
#include "fuse/rehearsal.h"
#include "fuse/repeater.h"

namespace boxlite::agent {
namespace {

// No other descriptor is left open, and it is no process to be killed for memory. One that is -1 is none.
template <std::size_t N>
void keep_only(std::array<int, N> kept) {
  ::prctl(PR_SET_NAME, "folders");
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY))
    (void)write_all(file->get(), "-1000", "oom_score_adj");
  unsigned next = 3;
  std::ranges::sort(kept);
  for (const int fd : kept) {
    if (fd < 0) continue;
    ::close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(next, ~0u, 0);
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

Result<pid_t> start_folder_bridge(fuse::Ends ends, const std::string& root) {
  return start_outside([&] {
    keep_only(std::array{ends.device.get(), ends.stream.get(), ends.abort.get()});
    fuse::Bridge bridge(std::move(ends));
    fuse::run_and_repeat(bridge, root);
  });
}

Result<pid_t> start_one_file_server(UniqueFd stream) {
  return start_outside([&] {
    keep_only(std::array{stream.get()});
    fuse::serve_one_file(stream.get());
  });
}

}  // namespace boxlite::agent
