// SPDX-License-Identifier: Apache-2.0
// Names are bare system calls where glibc would do more.
#include "agent/container/birth.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace boxlite::agent {
namespace {

bool note(Birth& birth, const char* call) {
  birth.failure.os_error = errno;
  std::strncpy(birth.failure.call.data(), call, birth.failure.call.size() - 1);
  return false;
}

bool place_fds(Birth& birth) {
  const StandardFds& fds = birth.fds;
  if (::setsid() < 0) return note(birth, "setsid");
  // Ours are all above 2, so none of these overwrites another.
  if (::dup2(fds.in, 0) < 0 || ::dup2(fds.out, 1) < 0 || ::dup2(fds.err, 2) < 0) return note(birth, "dup2");
  if (fds.is_terminal && ::ioctl(0, TIOCSCTTY, 0) != 0) return note(birth, "ioctl TIOCSCTTY");
  // So that the user may open /dev/stdout and the like.
  if (birth.uid == 0) return true;
  const gid_t group = fds.is_terminal ? gid_t{5} : static_cast<gid_t>(-1);
  for (int fd = 0; fd < 3; ++fd) {
    struct stat status;
    const bool is_ours = ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || fds.is_terminal);
    if (is_ours && ::fchown(fd, birth.uid, group) != 0) return note(birth, "fchown");
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
  for (std::size_t i = 0; i < birth.limit_count; ++i) {
    const auto& [number, limit] = birth.limits[i];
    if (::syscall(SYS_prlimit64, 0, number, &limit, nullptr) != 0) return note(birth, "setrlimit");
  }
  if (!linux_::limit_bounding_set(birth.capabilities)) return note(birth, "prctl PR_CAPBSET_DROP");
  // glibc's wrappers would look for other threads.
  if (::syscall(SYS_setgroups, birth.group_count, birth.groups) != 0) return note(birth, "setgroups");
  if (::syscall(SYS_setresgid, birth.gid, birth.gid, birth.gid) != 0) return note(birth, "setresgid");
  if (::syscall(SYS_setresuid, birth.uid, birth.uid, birth.uid) != 0) return note(birth, "setresuid");
  if (birth.uid == 0 && !linux_::set_capabilities(birth.capabilities)) return note(birth, "capset");
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

}  // namespace

bool become_command(Birth& birth) {
  return place_fds(birth) && enter_directory(birth) && become_user(birth);
}

void execute(Birth& birth) {
  reset_signals();
  int blamed_error = ENOENT;
  for (std::size_t i = 0; i < birth.candidate_count; ++i) {
    const char* const path = birth.candidates[i];
    ::execve(path, birth.args, birth.env);
    const int os_error = errno;
    const bool is_missing = os_error == ENOENT || os_error == ENOTDIR;
    if (is_missing && ::access(path, F_OK) != 0) continue;
    blamed_error = os_error;
    birth.failure.candidate = i;
    birth.failure.candidate_exists = true;
    // Another directory of PATH may have one that we may run.
    if (os_error != EACCES) break;
  }
  errno = blamed_error;
  note(birth, "execve");
}

std::vector<char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  // execve's interface predates const; it does not write.
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace boxlite::agent
