// SPDX-License-Identifier: Apache-2.0
#include "jail/open_broker.h"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "jail/bpf.h"

namespace boxlite::jail {
namespace {

// O_RDWR asks. O_TRUNC without writing is refused: Landlock's first two versions look at the writing only.
Filter openat_rules() {
  Filter filter{load(argument_at(2)), keep_bits(O_ACCMODE)};
  when(filter, O_RDWR, {answer(ask)});
  // Neither reading nor writing, which Landlock does not look at; nobody needs it.
  when(filter, O_ACCMODE, {answer(jail::refuse(EACCES))});
  filter.insert(filter.end(), {load(argument_at(2)), keep_bits(O_ACCMODE | O_TRUNC)});
  when(filter, O_RDONLY | O_TRUNC, {answer(jail::refuse(EACCES))});
  filter.push_back(answer(allow));
  return filter;
}

// Of what was handed out it does nothing, and succeeds.
Filter of_fallocate() {
  Filter filter{load(argument_at(0))};
  when(filter, handed_out_fd, {answer(jail::refuse(0))});
  filter.push_back(answer(allow));
  return filter;
}

Filter make_filter(Intercepted calls) {
  auto filter = begin_filter();
  when(filter, __NR_execve, {answer(ask)});
  if (calls == Intercepted::programs_and_openings) {
    when(filter, __NR_openat, openat_rules());
    when(filter, __NR_fallocate, of_fallocate());
  }
  filter.push_back(answer(allow));
  return filter;
}

}  // namespace

Result<UniqueFd> intercept(Intercepted calls) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(syscall_error("prctl", "PR_SET_NO_NEW_PRIVS", errno));
  auto program = make_filter(calls);
  const sock_fprog description{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  UniqueFd listener(static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &description)));
  if (listener.is_open()) return listener;
  return fail(ErrorCode::unsupported, syscall_error("seccomp", "NEW_LISTENER", errno).message());
}

bool OpenBroker::is_ours(unsigned pid, unsigned long long name_address) const {
  const auto memory_path = concat("/proc/", pid, "/mem");
  const UniqueFd memory(::open(memory_path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> name;
  const auto wanted = path_.native().size() + 1;
  if (!memory.is_open() || wanted > name.size()) return false;
  const auto count = ::pread(memory.get(), name.data(), wanted, static_cast<off_t>(name_address));
  return count == static_cast<ssize_t>(wanted) &&
         std::string_view(name.data(), wanted) == std::string_view(path_.c_str(), wanted);
}

void OpenBroker::go_on(unsigned long long id) {
  seccomp_notif_resp answer = {};
  answer.id = id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  // The one who asked may have died meanwhile.
  (void)::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void OpenBroker::refuse(unsigned long long id) {
  seccomp_notif_resp answer = {};
  answer.id = id;
  answer.error = -EPERM;
  (void)::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

bool OpenBroker::serve() {
  seccomp_notif asked = {};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
    return errno == EINTR || errno == ENOENT;
  if (asked.data.nr == __NR_execve) {
    // The first is ours, on the way to the program.
    std::exchange(has_program_, true) ? refuse(asked.id) : go_on(asked.id);
    return true;
  }
  if (replacement_.is_open() && is_ours(asked.pid, asked.data.args[1])) {
    seccomp_notif_addfd answer = {};
    answer.id = asked.id;
    answer.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND;
    answer.srcfd = static_cast<unsigned>(replacement_.get());
    answer.newfd = handed_out_fd;
    answer.newfd_flags = O_CLOEXEC;
    if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &answer) >= 0) return true;
  }
  // What the name says may change until the kernel reads it: this is no guard, it hands out a descriptor.
  go_on(asked.id);
  return true;
}

}  // namespace boxlite::jail
