// SPDX-License-Identifier: Apache-2.0
#include "agent/container/first_process.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/container/birth.h"
#include "agent/container/container_mounts.h"
#include "agent/container/tiny_init.h"
#include "agent/exec/main_order.h"
#include "base/files.h"

namespace boxlite::agent {
namespace {

constexpr int orders_fd = 3;

Result<void> prepare(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup) {
  // Its end would be the end of every command; children it has none. Until it is the main command.
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY)) {
    (void)write_all(file->get(), "-1000", "oom_score_adj");
  }
  // The namespace's root is the cgroup in which it is made, so it comes before the move.
  if (::unshare(CLONE_NEWCGROUP) != 0) return fail(syscall_error("unshare", "cgroup", errno));
  BOXLITE_TRY(own_cgroup.write("cgroup.procs", "0"));
  return build_container_mounts(spec);
}

// Nothing in the container may look into this process, which is a copy of the agent, or use what it holds.
// It keeps its rights, for the main command to choose from.
void give_up_everything(UniqueFd orders) {
  // Where the main command's streams will be lies nothing of the agent's, and nothing that comes later.
  for (int fd = 0; fd < orders_fd; ++fd) ::dup2(orders.get(), fd);
  if (orders.get() != orders_fd) ::dup3(orders.get(), orders_fd, O_CLOEXEC);
  (void)orders.release();
  ::syscall(SYS_close_range, static_cast<unsigned>(orders_fd + 1), ~0u, 0u);
  ::prctl(PR_SET_NAME, "init");
  ::prctl(PR_SET_DUMPABLE, 0);
}

void report_failure(const BirthFailure& failure) {
  (void)write_all(orders_fd, {reinterpret_cast<const char*>(&failure), sizeof failure}, "main command");
}

[[noreturn]] void become_main(MainOrder& order) {
  auto birth = order.birth();
  std::signal(SIGCHLD, SIG_DFL);
  const auto begin = order.use_init() ? run_tiny_init : execute;
  if (become_command(birth)) begin(birth);
  report_failure(birth.failure);
  ::_exit(127);
}

[[noreturn]] void await_order(UniqueFd orders) {
  give_up_everything(std::move(orders));
  if (auto order = MainOrder::receive(orders_fd)) become_main(*order);
  while (true) ::pause();
}

}  // namespace

void run_first_process(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup,
                       UniqueFd report, UniqueFd orders) {
  // Orphans go without a trace.
  std::signal(SIGCHLD, SIG_IGN);
  const auto prepared = prepare(spec, own_cgroup);
  (void)write_all(report.get(),
                  prepared ? first_process_is_ready : std::string_view(prepared.error().message()), "report");
  if (!prepared) ::_exit(1);
  (void)report.release();
  await_order(std::move(orders));
}

void run_understudy(int mount_namespace, UniqueFd orders) {
  std::signal(SIGCHLD, SIG_IGN);
  if (::setns(mount_namespace, CLONE_NEWNS) != 0) ::_exit(1);
  await_order(std::move(orders));
}

}  // namespace boxlite::agent
