// SPDX-License-Identifier: Apache-2.0
//
// The child runs in our memory until it executes the program (as after vfork): it makes system calls, writes
// to the Child below, and nothing else.
#include "agent/exec/launch.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/exec/main_order.h"
#include "agent/exec/program_search.h"
#include "base/concat.h"
#include "base/files.h"
#include "linux/files/mounts.h"
#include "linux/process/clone3.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t stack_bytes = 64u << 10;
constexpr std::size_t head_bytes = 4096;

// Everything the child needs, and what it reports.
struct Child {
  int mount_namespace;
  Birth birth;
  pid_t container_pid = 0;
};

// The other namespaces are the agent's own already.
int run_child(void* argument) {
  auto& child = *static_cast<Child*>(argument);
  if (::setns(child.mount_namespace, CLONE_NEWNS) != 0) {
    child.birth.failure.os_error = errno;
    std::strcpy(child.birth.failure.call.data(), "setns");
    ::_exit(127);
  }
  child.container_pid = static_cast<pid_t>(::syscall(SYS_getpid));
  if (become_command(child.birth)) execute(child.birth);
  ::_exit(127);
}

std::string first_bytes(const Container& container, const std::string& path) {
  const auto file = linux_::open_in_root(container.root_fd(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status = {};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string head(head_bytes, '\0');
  const auto count = ::pread(file->get(), head.data(), head.size(), 0);
  head.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return head;
}

bool is_directory(const Container& container, const std::string& path) {
  return linux_::open_in_root(container.root_fd(), path, O_PATH | O_DIRECTORY).has_value();
}

// It has released our memory, so it is about to exit, if it has not yet.
void reap_now(int pidfd) {
  siginfo_t end = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED) != 0 && errno == EINTR) {
  }
}

LaunchFailure exec_failure(const Container& container, const LaunchPlan& plan, const BirthFailure& failure) {
  const auto prefix = concat("exec ", in_quotes(plan.args.front()), ": ");
  if (!failure.candidate_exists) {
    const bool is_path = plan.args.front().find('/') != std::string::npos;
    return {127, concat(prefix, is_path ? "no such file or directory" : "not found in PATH")};
  }
  auto path = plan.candidates[failure.candidate];
  if (!path.starts_with('/')) path = concat(plan.working_dir, "/", path);
  if (failure.os_error == ENOENT || failure.os_error == ENOTDIR) {
    const auto interpreter = interpreter_of(first_bytes(container, path));
    return {127, concat(prefix, "its interpreter ", interpreter.empty() ? "" : in_quotes(interpreter),
                        " is missing")};
  }
  if (failure.os_error == EACCES && is_directory(container, path))
    return {126, concat(prefix, "is a directory")};
  return {126, syscall_error("exec", plan.args.front(), failure.os_error).message()};
}

LaunchFailure launch_failure(const Container& container, const LaunchPlan& plan,
                             const BirthFailure& failure) {
  const std::string_view call = failure.call.data();
  if (call == "execve") return exec_failure(container, plan, failure);
  const bool about_directory = call == "chdir" || call == "mkdir";
  return {126, syscall_error(call, about_directory ? plan.working_dir : plan.args.front(), failure.os_error)
                   .message()};
}

// Pointers into the plan, for as long as it lives.
class PlanTexts {
 public:
  explicit PlanTexts(const LaunchPlan& plan)
      : plan_(plan),
        candidates_(c_strings(plan.candidates)),
        args_(c_strings(plan.args)),
        env_(c_strings(plan.env)),
        working_dir_(plan.working_dir) {}

  Birth birth(const StandardFds& fds) {
    return {.fds = fds,
            .uid = plan_.account.uid,
            .gid = plan_.account.gid,
            .capabilities = plan_.capabilities,
            .groups = plan_.account.groups.data(),
            .group_count = plan_.account.groups.size(),
            .limits = plan_.rlimits->data(),
            .limit_count = plan_.rlimits->size(),
            .candidates = candidates_.data(),
            .candidate_count = plan_.candidates.size(),
            .args = args_.data(),
            .env = env_.data(),
            .working_dir = working_dir_.data()};
  }

 private:
  const LaunchPlan& plan_;
  std::vector<char*> candidates_;
  std::vector<char*> args_;
  std::vector<char*> env_;
  std::string working_dir_;
};

// Until the first process has closed its end: it runs a program, or has ended.
BirthFailure await_birth(const UniqueFd& orders) {
  BirthFailure failure;
  std::size_t got = 0;
  while (got < sizeof failure) {
    const auto count = ::read(orders.get(), reinterpret_cast<char*>(&failure) + got, sizeof failure - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got == sizeof failure ? failure : BirthFailure{};
}

// Since it is the main command, the kernel may choose it when memory is short.
void make_mortal(pid_t pid) {
  const auto file = open_file(concat("/proc/", pid, "/oom_score_adj"), O_WRONLY);
  if (file) (void)write_all(file->get(), "0", "oom_score_adj");
}

}  // namespace

Result<std::variant<Launched, LaunchFailure>> launch(const Container& container, int cgroup_fd,
                                                     const LaunchPlan& plan, const StandardFds& fds) {
  PlanTexts texts(plan);
  Child child{.mount_namespace = container.mount_namespace(), .birth = texts.birth(fds)};
  alignas(16) std::array<std::byte, stack_bytes> stack;
  auto cloned = linux_::clone_sharing_memory(cgroup_fd, stack, run_child, &child);
  // So the kernel says that nothing is born any more where the first process is ending.
  if (!cloned && cloned.error().os_error() == ENOMEM && container.is_ending()) return fail(main_has_ended());
  if (!cloned) return fail(std::move(cloned).error().context("start command"));
  if (!child.birth.failure.has_happened()) return Launched{child.container_pid, std::move(cloned->pidfd)};
  reap_now(cloned->pidfd.get());
  return launch_failure(container, plan, child.birth.failure);
}

Result<std::variant<Launched, LaunchFailure>> launch_main(const Container& container, FirstProcess first,
                                                          const LaunchPlan& plan, const StandardFds& fds,
                                                          bool use_init) {
  make_mortal(first.pid);
  BOXLITE_TRY_CONTEXT("start main command", send_main_order(first.orders.get(), plan, fds, use_init));
  const auto failure = await_birth(first.orders);
  if (!failure.has_happened()) return Launched{1, std::move(first.pidfd)};
  return launch_failure(container, plan, failure);
}

}  // namespace boxlite::agent
