// SPDX-License-Identifier: Apache-2.0
// The words that filters of system calls are written in (seccomp(2)).
#pragma once

#include <cerrno>
#include <cstddef>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace boxlite::jail {

using Filter = std::vector<sock_filter>;

inline constexpr auto number_at = static_cast<unsigned>(offsetof(seccomp_data, nr));
inline constexpr auto architecture_at = static_cast<unsigned>(offsetof(seccomp_data, arch));
inline constexpr unsigned x32_calls = 0x4000'0000;  // from this number on
inline constexpr unsigned allow = SECCOMP_RET_ALLOW;
inline constexpr unsigned ask = SECCOMP_RET_USER_NOTIF;

// The low half of an argument, on a little-endian machine.
constexpr unsigned argument_at(unsigned index) {
  return static_cast<unsigned>(offsetof(seccomp_data, args) + index * sizeof(__u64));
}

constexpr unsigned refuse(int os_error) {
  return SECCOMP_RET_ERRNO | static_cast<unsigned>(os_error);
}

inline sock_filter load(unsigned offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

inline sock_filter keep_bits(unsigned mask) {
  return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
}

inline sock_filter answer(unsigned verdict) {
  return BPF_STMT(BPF_RET | BPF_K, verdict);
}

// `then` is for this value of what was loaded.
inline void when(Filter& filter, unsigned value, const Filter& then) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<unsigned char>(then.size())));
  filter.insert(filter.end(), then.begin(), then.end());
}

// `then` is for this value and all above.
inline void when_at_least(Filter& filter, unsigned value, const Filter& then) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, 0, static_cast<unsigned char>(then.size())));
  filter.insert(filter.end(), then.begin(), then.end());
}

// How each filter begins: system calls of other kinds of programs are unknown, and the number is loaded.
inline Filter begin_filter() {
  Filter filter{load(architecture_at)};
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  filter.push_back(answer(refuse(ENOSYS)));
  filter.push_back(load(number_at));
  when_at_least(filter, x32_calls, {answer(refuse(ENOSYS))});
  return filter;
}

}  // namespace boxlite::jail
