// SPDX-License-Identifier: Apache-2.0
#include "agent/container_init.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/container_mounts.h"
#include "base/files.h"
#include "linux/capabilities.h"

namespace boxlite::agent {
namespace {

Result<void> prepare(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup) {
  // Its end would be the end of every command; children it has none.
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY)) {
    (void)write_all(file->get(), "-1000", "oom_score_adj");
  }
  // The namespace's root is the cgroup in which it is made, so it comes before the move.
  if (::unshare(CLONE_NEWCGROUP) != 0) return fail(syscall_error("unshare", "cgroup", errno));
  BOXLITE_TRY(own_cgroup.write("cgroup.procs", "0"));
  return build_container_mounts(spec);
}

// Nothing in the container may look into this process or use it: it is a copy of the agent.
void give_up_everything() {
  ::syscall(SYS_close_range, 0u, ~0u, 0u);
  ::prctl(PR_SET_NAME, "init");
  linux_::limit_bounding_set(0);
  linux_::set_capabilities(0);
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

void run_container_init(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup,
                        UniqueFd report) {
  ::setsid();
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
  const auto prepared = prepare(spec, own_cgroup);
  (void)write_all(report.get(), prepared ? init_is_ready : std::string_view(prepared.error().message()),
                  "report");
  if (!prepared) ::_exit(1);
  report.reset();
  give_up_everything();
  while (true) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    ::sigwaitinfo(&child_ended, nullptr);
  }
}

}  // namespace boxlite::agent
