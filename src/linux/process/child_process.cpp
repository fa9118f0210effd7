// SPDX-License-Identifier: Apache-2.0
//
// The child is made by clone(CLONE_VM | CLONE_VFORK), as posix_spawn does it: no page table is copied,
// however large the embedding program is, and the parent waits until the child has executed or failed, so the
// failure is plain memory. In between the child shares our memory while other threads run: it may only make
// system calls, and it runs with all signals blocked until it has reset their handlers.
#include "linux/process/child_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/scope_exit.h"

namespace boxlite::linux_ {
namespace {

constexpr std::size_t child_stack_bytes = 64u << 10;

// Everything the child needs, made before it exists.
struct Plan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* working_dir;
  std::vector<FdMapping> fds;  // sorted by target
  int first_free_fd;           // above every target
  ProcessGroup group;
  bool die_with_parent;
  const CapabilitySet* capabilities;
  ChildStep* last_step;
  int step_fd;
  pid_t parent;
  sigset_t signal_mask;  // the program's
  // Written by the child when it fails.
  const char* failed_call = nullptr;
  int os_error = 0;
};

// Beyond the limit is EINVAL to fcntl().
int duplicate(int fd, int lowest) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (copy < 0 && errno == EINVAL) errno = EMFILE;
  return copy;
}

bool note_failure(Plan& plan, const char* call) {
  plan.failed_call = call;
  plan.os_error = errno;
  return false;
}

bool join_group(Plan& plan) {
  if (plan.group == ProcessGroup::session && ::setsid() < 0) return note_failure(plan, "setsid");
  if (plan.group == ProcessGroup::own && ::setpgid(0, 0) != 0) return note_failure(plan, "setpgid");
  if (!plan.die_with_parent) return true;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return note_failure(plan, "prctl");
  // The parent may have gone before the line above took effect.
  if (::getppid() != plan.parent) ::_exit(127);
  return true;
}

// In two passes, since a target may be another mapping's source.
bool place_fds(Plan& plan) {
  int next = plan.first_free_fd;
  for (auto& mapping : plan.fds) {
    mapping.source_fd = duplicate(mapping.source_fd, next);
    if (mapping.source_fd < 0) return note_failure(plan, "fcntl");
    next = mapping.source_fd + 1;
  }
  if (plan.step_fd >= 0) {
    plan.step_fd = duplicate(plan.step_fd, next);
    if (plan.step_fd < 0) return note_failure(plan, "fcntl");
  }
  for (const auto& mapping : plan.fds) {
    if (::dup2(mapping.source_fd, mapping.target_fd) < 0) return note_failure(plan, "dup2");
  }
  return true;
}

bool close_other_fds(Plan& plan) {
  unsigned first = 0;
  const auto close_gap = [&](unsigned end) {
    return first >= end || ::syscall(SYS_close_range, first, end - 1, CLOSE_RANGE_CLOEXEC) == 0;
  };
  for (const auto& mapping : plan.fds) {
    const auto target = static_cast<unsigned>(mapping.target_fd);
    if (!close_gap(target)) return note_failure(plan, "close_range");
    first = target + 1;
  }
  return close_gap(~0u) || note_failure(plan, "close_range");
}

void reset_signals(Plan& plan) {
  struct sigaction default_action = {};
  default_action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < _NSIG; ++signal) ::sigaction(signal, &default_action, nullptr);
  ::sigprocmask(SIG_SETMASK, &plan.signal_mask, nullptr);
}

int run_child(void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  const bool ready = join_group(plan) && place_fds(plan) && close_other_fds(plan);
  if (ready && plan.working_dir != nullptr && ::chdir(plan.working_dir) != 0) {
    note_failure(plan, "chdir");
    ::_exit(127);
  }
  if (ready && plan.capabilities != nullptr && !leave_capabilities(*plan.capabilities)) {
    note_failure(plan, "drop capabilities");
    ::_exit(127);
  }
  if (ready) {
    reset_signals(plan);
    if (plan.last_step != nullptr && !plan.last_step->run(plan.step_fd)) {
      note_failure(plan, "confine");
      ::_exit(127);
    }
    ::execve(plan.program, plan.arguments, plan.environment);
    note_failure(plan, "execve");
  }
  ::_exit(127);
}

std::vector<char*> c_strings(const std::vector<std::string>& texts, const char* first = nullptr) {
  std::vector<char*> pointers;
  // execve's interface predates const; it does not write.
  if (first != nullptr) pointers.push_back(const_cast<char*>(first));
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct NullFiles {
  UniqueFd input, output;
};

// Fills 0, 1, 2 with /dev/null where the caller mapped nothing; the result owns what was opened for it. Never
// O_RDWR: a thread that spawns under an OpenBroker's filter would wait for itself.
Result<NullFiles> complete_standard_fds(std::vector<FdMapping>& fds) {
  NullFiles null{.input = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                 .output = UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC))};
  if (!null.input.is_open() || !null.output.is_open()) return fail(syscall_error("open", "/dev/null", errno));
  for (int fd = 0; fd < 3; ++fd) {
    const bool mapped = std::ranges::any_of(fds, [fd](const auto& entry) { return entry.target_fd == fd; });
    if (!mapped) fds.push_back({fd == 0 ? null.input.get() : null.output.get(), fd});
  }
  std::ranges::sort(fds, {}, &FdMapping::target_fd);
  return null;
}

Error too_few_descriptors(const ChildSpec& spec) {
  rlimit files{};
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  return Error(ErrorCode::resource_exhausted,
               concat("run ", in_quotes(spec.program.native()), ": the limit of open files is ",
                      files.rlim_cur, ", and more are needed"),
               EMFILE)
      .with_remedy("raise the limit of open files (ulimit -n), the hard one");
}

Error spawn_error(const ChildSpec& spec, const Plan& plan) {
  if (plan.os_error == EMFILE) return too_few_descriptors(spec);
  const bool about_dir = std::string_view(plan.failed_call) == "chdir";
  return syscall_error(plan.failed_call, about_dir ? spec.working_dir.native() : spec.program.native(),
                       plan.os_error);
}

struct Cloned {
  pid_t pid;
  UniqueFd pidfd;
};

Result<Cloned> clone_child(Plan& plan) {
  void* stack = ::mmap(nullptr, child_stack_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) return fail(syscall_error("mmap", "stack of the child", errno));
  const ScopeExit unmap([&] { ::munmap(stack, child_stack_bytes); });
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &plan.signal_mask);
  const auto old_mask = plan.signal_mask;
  ::sigemptyset(&plan.signal_mask);
  int pidfd = -1;
  const pid_t pid = ::clone(run_child, static_cast<std::byte*>(stack) + child_stack_bytes,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int os_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
  if (pid < 0) return fail(syscall_error("clone", plan.program, os_error));
  return Cloned{pid, UniqueFd(pidfd)};
}

// Of a child that is known to end at once.
ChildEnd reap(int pidfd) {
  siginfo_t end = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED) != 0 && errno == EINTR) {
  }
  if (end.si_code == CLD_EXITED) return {.exit_code = end.si_status};
  return {.signal = end.si_status};
}

}  // namespace

std::string to_string(const ChildEnd& end) {
  return end.signal != 0 ? concat("signal ", end.signal) : concat("exit code ", end.exit_code);
}

Result<ChildProcess> ChildProcess::spawn(const ChildSpec& spec) {
  auto arguments = c_strings(spec.arguments, spec.program.c_str());
  auto environment = c_strings(spec.environment);
  auto fds = spec.fds;
  const auto null_files = BOXLITE_TRY(complete_standard_fds(fds));
  const int first_free_fd = fds.back().target_fd + 1;
  Plan plan{.program = spec.program.c_str(),
            .arguments = arguments.data(),
            .environment = environment.data(),
            .working_dir = spec.working_dir.empty() ? nullptr : spec.working_dir.c_str(),
            .fds = std::move(fds),
            .first_free_fd = first_free_fd,
            .group = spec.group,
            .die_with_parent = spec.die_with_parent,
            .capabilities = spec.capabilities ? &*spec.capabilities : nullptr,
            .last_step = spec.last_step,
            .step_fd = spec.last_step != nullptr ? spec.last_step->descriptor() : -1,
            .parent = ::getpid(),
            .signal_mask = {}};
  auto cloned = BOXLITE_TRY(clone_child(plan));
  if (plan.failed_call != nullptr) {
    reap(cloned.pidfd.get());
    return fail(spawn_error(spec, plan));
  }
  return ChildProcess(cloned.pid, ProcessHandle(std::move(cloned.pidfd)),
                      spec.group != ProcessGroup::inherited);
}

ChildProcess::ChildProcess(pid_t pid, ProcessHandle handle, bool leads_group)
    : pid_(pid), handle_(std::move(handle)), leads_group_(leads_group) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_),
      handle_(std::move(other.handle_)),
      leads_group_(other.leads_group_),
      owned_(std::exchange(other.owned_, false)),
      reaped_(other.reaped_),
      end_(other.end_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = other.pid_;
  handle_ = std::move(other.handle_);
  leads_group_ = other.leads_group_;
  owned_ = std::exchange(other.owned_, false);
  reaped_ = other.reaped_;
  end_ = other.end_;
  return *this;
}

ChildProcess::~ChildProcess() {
  end();
}

void ChildProcess::end() noexcept {
  if (!owned_ || reaped_) return;
  // The group's number stays ours for as long as its leader is not reaped.
  if (leads_group_) ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  reap(handle_.fd());
}

Result<void> ChildProcess::send_signal(int signal) const {
  auto sent = handle_.send_signal(signal);
  if (!sent && sent.error().code() == ErrorCode::not_found) return {};
  return sent;
}

Result<ChildEnd> ChildProcess::wait(Deadline deadline) {
  if (reaped_) return end_;
  BOXLITE_TRY_CONTEXT(concat("process ", pid_), handle_.wait(deadline));
  end_ = reap(handle_.fd());
  reaped_ = true;
  return end_;
}

Result<CapturedRun> run_and_capture(ChildSpec spec, Deadline deadline, std::size_t limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(syscall_error("pipe2", spec.program.native(), errno));
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  spec.fds.push_back({writer.get(), 1});
  spec.fds.push_back({writer.get(), 2});
  auto child = BOXLITE_TRY(ChildProcess::spawn(spec));
  writer.reset();
  CapturedRun run;
  char buffer[4096];
  while (true) {
    pollfd entry{reader.get(), POLLIN, 0};
    if (::poll(&entry, 1, deadline.poll_timeout_ms()) < 0 && errno != EINTR) {
      return fail(syscall_error("poll", spec.program.native(), errno));
    }
    if (deadline.has_passed()) {
      return fail(ErrorCode::timed_out, concat("run ", in_quotes(spec.program.native())));
    }
    if (entry.revents == 0) continue;
    const auto count = ::read(reader.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", spec.program.native(), errno));
    if (count == 0) break;
    run.output.append(buffer, static_cast<std::size_t>(count));
    if (run.output.size() > limit) {
      return fail(ErrorCode::resource_exhausted,
                  concat("run ", in_quotes(spec.program.native()), ": wrote more than ", limit, " bytes"));
    }
  }
  run.end = BOXLITE_TRY(child.wait(deadline));
  return run;
}

Result<std::filesystem::path> find_program(std::string_view name) {
  std::error_code ignored;
  const auto is_program = [&](const std::filesystem::path& path) {
    return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
  };
  const auto missing = [&] { return fail(ErrorCode::not_found, concat("no program ", in_quotes(name))); };
  if (name.find('/') != std::string_view::npos) {
    if (!is_program(name)) return missing();
    return std::filesystem::absolute(name, ignored);
  }
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const auto directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
    // An empty entry means the working directory: never a place to run programs from.
    if (directory.empty()) continue;
    auto candidate = std::filesystem::path(directory) / name;
    if (is_program(candidate)) return std::filesystem::absolute(candidate, ignored);
  }
  return missing();
}

}  // namespace boxlite::linux_
