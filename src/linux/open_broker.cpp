// SPDX-License-Identifier: Apache-2.0
#include "linux/open_broker.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <vector>

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

using Filter = std::vector<sock_filter>;

constexpr auto number_at = static_cast<unsigned>(offsetof(seccomp_data, nr));
constexpr auto architecture_at = static_cast<unsigned>(offsetof(seccomp_data, arch));
constexpr unsigned x32_calls = 0x4000'0000;  // from this number on

// The low half of an argument, on a little-endian machine.
constexpr unsigned argument_at(unsigned index) {
  return static_cast<unsigned>(offsetof(seccomp_data, args) + index * sizeof(__u64));
}

constexpr unsigned refuse(int os_error) {
  return SECCOMP_RET_ERRNO | static_cast<unsigned>(os_error);
}

sock_filter load(unsigned offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

sock_filter keep_bits(unsigned mask) {
  return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
}

sock_filter answer(unsigned verdict) {
  return BPF_STMT(BPF_RET | BPF_K, verdict);
}

// `then` is for this value of what was loaded.
void when(Filter& filter, int value, const Filter& then) {
  const auto wanted = static_cast<unsigned>(value);
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, static_cast<unsigned char>(then.size())));
  filter.insert(filter.end(), then.begin(), then.end());
}

// O_RDWR asks. O_TRUNC without writing is refused: Landlock's first two versions look at the writing only.
Filter of_openat() {
  Filter filter{load(argument_at(2)), keep_bits(O_ACCMODE)};
  when(filter, O_RDWR, {answer(SECCOMP_RET_USER_NOTIF)});
  // Neither reading nor writing, which Landlock does not look at; nobody needs it.
  when(filter, O_ACCMODE, {answer(refuse(EACCES))});
  filter.insert(filter.end(), {load(argument_at(2)), keep_bits(O_ACCMODE | O_TRUNC)});
  when(filter, O_RDONLY | O_TRUNC, {answer(refuse(EACCES))});
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  return filter;
}

// Of what was handed out it does nothing, and succeeds.
Filter of_fallocate() {
  Filter filter{load(argument_at(0))};
  when(filter, handed_out_fd, {answer(refuse(0))});
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  return filter;
}

Filter make_filter() {
  Filter filter{load(architecture_at)};
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  filter.push_back(answer(refuse(ENOSYS)));
  filter.push_back(load(number_at));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_calls, 0, 1));
  filter.push_back(answer(refuse(ENOSYS)));
  when(filter, __NR_openat, of_openat());
  when(filter, __NR_fallocate, of_fallocate());
  // Ways around the two, and around Landlock before its third version. The C library does without them.
  for (const int number :
       {__NR_open, __NR_creat, __NR_openat2, __NR_open_by_handle_at, __NR_truncate, __NR_io_uring_setup})
    when(filter, number, {answer(refuse(ENOSYS))});
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  return filter;
}

}  // namespace

Result<UniqueFd> intercept_openings() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(syscall_error("prctl", "PR_SET_NO_NEW_PRIVS", errno));
  auto program = make_filter();
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
