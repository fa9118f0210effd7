// SPDX-License-Identifier: Apache-2.0
//
// The child runs in our memory until it executes the program (as after vfork): it makes system calls, writes
// to the Birth below, and nothing else. Names are bare system calls where glibc would do more.
#include "agent/launch.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/program_search.h"
#include "base/concat.h"
#include "linux/clone3.h"
#include "linux/mounts.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t stack_bytes = 64u << 10;
constexpr std::size_t head_bytes = 4096;

// Everything the child needs, and what it reports.
struct Birth {
  int init_pidfd;
  const StandardFds* fds;
  const LaunchPlan* plan;
  const std::uint32_t* groups;
  const char* const* candidates;
  std::size_t candidate_count;
  char* const* args;
  char* const* env;
  char* working_dir;  // writable: taken apart while missing directories are made

  pid_t container_pid = 0;
  const char* failed_call = nullptr;
  int os_error = 0;
  // After failed_call == "execve": the candidate it is about, and whether that file exists.
  std::size_t failed_candidate = 0;
  bool candidate_exists = false;
};

bool note(Birth& birth, const char* call) {
  birth.failed_call = call;
  birth.os_error = errno;
  return false;
}

bool enter_container(Birth& birth) {
  constexpr int namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (::setns(birth.init_pidfd, namespaces) != 0) return note(birth, "setns");
  birth.container_pid = static_cast<pid_t>(::syscall(SYS_getpid));
  return true;
}

bool place_fds(Birth& birth) {
  const StandardFds& fds = *birth.fds;
  if (::setsid() < 0) return note(birth, "setsid");
  // Ours are all above 2, so none of these overwrites another.
  if (::dup2(fds.in, 0) < 0 || ::dup2(fds.out, 1) < 0 || ::dup2(fds.err, 2) < 0) return note(birth, "dup2");
  if (fds.is_terminal && ::ioctl(0, TIOCSCTTY, 0) != 0) return note(birth, "ioctl TIOCSCTTY");
  // So that the user may open /dev/stdout and the like.
  const auto& account = birth.plan->account;
  if (account.uid == 0) return true;
  const gid_t group = fds.is_terminal ? gid_t{5} : static_cast<gid_t>(-1);
  for (int fd = 0; fd < 3; ++fd) {
    struct stat status;
    const bool is_ours = ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || fds.is_terminal);
    if (is_ours && ::fchown(fd, account.uid, group) != 0) return note(birth, "fchown");
  }
  return true;
}

bool enter_directory(Birth& birth) {
  char* const path = birth.working_dir;
  if (::chdir(path) == 0) return true;
  if (errno != ENOENT) return note(birth, "chdir");
  for (char* slash = std::strchr(path + 1, '/'); slash != nullptr; slash = std::strchr(slash + 1, '/')) {
    *slash = '\0';
    ::mkdir(path, 0755);
    *slash = '/';
  }
  if (::mkdir(path, 0755) != 0 && errno != EEXIST) return note(birth, "mkdir");
  return ::chdir(path) == 0 || note(birth, "chdir");
}

bool become_user(Birth& birth) {
  const LaunchPlan& plan = *birth.plan;
  for (const auto& [number, limit] : *plan.rlimits) {
    if (::syscall(SYS_prlimit64, 0, number, &limit, nullptr) != 0) return note(birth, "setrlimit");
  }
  if (!linux_::limit_bounding_set(plan.capabilities)) return note(birth, "prctl PR_CAPBSET_DROP");
  const auto& account = plan.account;
  // glibc's wrappers would look for other threads.
  if (::syscall(SYS_setgroups, account.groups.size(), birth.groups) != 0) return note(birth, "setgroups");
  if (::syscall(SYS_setresgid, account.gid, account.gid, account.gid) != 0) return note(birth, "setresgid");
  if (::syscall(SYS_setresuid, account.uid, account.uid, account.uid) != 0) return note(birth, "setresuid");
  if (account.uid == 0 && !linux_::set_capabilities(plan.capabilities)) return note(birth, "capset");
  return true;
}

void reset_signals() {
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
}

// As execvp does, but remembers which file was to blame. Returns only when no program runs.
void execute(Birth& birth) {
  int blamed_error = ENOENT;
  for (std::size_t i = 0; i < birth.candidate_count; ++i) {
    const char* const path = birth.candidates[i];
    ::execve(path, birth.args, birth.env);
    const int os_error = errno;
    const bool is_missing = os_error == ENOENT || os_error == ENOTDIR;
    if (is_missing && ::access(path, F_OK) != 0) continue;
    blamed_error = os_error;
    birth.failed_candidate = i;
    birth.candidate_exists = true;
    // Another directory of PATH may have one that we may run.
    if (os_error != EACCES) break;
  }
  errno = blamed_error;
  note(birth, "execve");
}

int run_child(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  const bool ready =
      enter_container(birth) && place_fds(birth) && enter_directory(birth) && become_user(birth);
  if (ready) {
    reset_signals();
    execute(birth);
  }
  ::_exit(127);
}

std::vector<char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  // execve's interface predates const; it does not write.
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
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

LaunchFailure exec_failure(const Container& container, const LaunchPlan& plan, const Birth& birth) {
  const auto prefix = concat("exec ", in_quotes(plan.args.front()), ": ");
  if (!birth.candidate_exists) {
    const bool is_path = plan.args.front().find('/') != std::string::npos;
    return {127, concat(prefix, is_path ? "no such file or directory" : "not found in PATH")};
  }
  auto path = plan.candidates[birth.failed_candidate];
  if (!path.starts_with('/')) path = concat(plan.working_dir, "/", path);
  if (birth.os_error == ENOENT || birth.os_error == ENOTDIR) {
    const auto interpreter = interpreter_of(first_bytes(container, path));
    return {127, concat(prefix, "its interpreter ", interpreter.empty() ? "" : in_quotes(interpreter),
                        " is missing")};
  }
  if (birth.os_error == EACCES && is_directory(container, path))
    return {126, concat(prefix, "is a directory")};
  return {126, syscall_error("exec", plan.args.front(), birth.os_error).message()};
}

LaunchFailure launch_failure(const Container& container, const LaunchPlan& plan, const Birth& birth) {
  const std::string_view call = birth.failed_call;
  if (call == "execve") return exec_failure(container, plan, birth);
  const bool about_directory = call == "chdir" || call == "mkdir";
  return {
      126,
      syscall_error(call, about_directory ? plan.working_dir : plan.args.front(), birth.os_error).message()};
}

}  // namespace

Result<std::variant<Launched, LaunchFailure>> launch(const Container& container, int cgroup_fd,
                                                     const LaunchPlan& plan, const StandardFds& fds) {
  const auto candidates = c_strings(plan.candidates);
  const auto args = c_strings(plan.args);
  const auto env = c_strings(plan.env);
  std::string working_dir = plan.working_dir;
  Birth birth{.init_pidfd = container.init_pidfd(),
              .fds = &fds,
              .plan = &plan,
              .groups = plan.account.groups.data(),
              .candidates = candidates.data(),
              .candidate_count = plan.candidates.size(),
              .args = args.data(),
              .env = env.data(),
              .working_dir = working_dir.data()};
  alignas(16) std::array<std::byte, stack_bytes> stack;
  auto child =
      BOXLITE_TRY_CONTEXT("start command", linux_::clone_sharing_memory(cgroup_fd, stack, run_child, &birth));
  if (birth.failed_call == nullptr) return Launched{birth.container_pid, std::move(child.pidfd)};
  reap_now(child.pidfd.get());
  return launch_failure(container, plan, birth);
}

}  // namespace boxlite::agent
