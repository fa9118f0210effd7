// SPDX-License-Identifier: Apache-2.0
#include "linux/open_broker.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

constexpr auto number_at = static_cast<unsigned>(offsetof(seccomp_data, nr));
constexpr auto architecture_at = static_cast<unsigned>(offsetof(seccomp_data, arch));
// The low half of the third argument, on a little-endian machine.
constexpr auto flags_at = static_cast<unsigned>(offsetof(seccomp_data, args) + 2 * sizeof(__u64));

// The low half of the first argument.
constexpr auto descriptor_at = static_cast<unsigned>(offsetof(seccomp_data, args));

// openat(…, O_RDWR…) of the native architecture asks; fallocate(handed_out_fd, …) does nothing and succeeds;
// everything else passes.
constexpr std::array filter{
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, architecture_at),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 9),
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number_at),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 4, 0),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fallocate, 0, 6),
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, descriptor_at),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, handed_out_fd, 0, 4),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags_at),
    sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_RDWR, 1, 0),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
};

}  // namespace

Result<UniqueFd> intercept_openings() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(syscall_error("prctl", "PR_SET_NO_NEW_PRIVS", errno));
  auto program = filter;
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

bool OpenBroker::serve() {
  seccomp_notif asked = {};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
    return errno == EINTR || errno == ENOENT;
  if (is_ours(asked.pid, asked.data.args[1])) {
    seccomp_notif_addfd answer = {};
    answer.id = asked.id;
    answer.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND;
    answer.srcfd = static_cast<unsigned>(replacement_.get());
    answer.newfd = handed_out_fd;
    answer.newfd_flags = O_CLOEXEC;
    if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &answer) >= 0) return true;
  }
  // What the name says may change until the kernel reads it: this is no guard, it hands out a descriptor.
  seccomp_notif_resp answer = {};
  answer.id = asked.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  // The one who asked may have died meanwhile.
  (void)::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  return true;
}

}  // namespace boxlite::linux_
