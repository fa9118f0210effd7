// SPDX-License-Identifier: Apache-2.0
#include "thaw/threads.h"

#include <cstddef>
#include <cstdint>

#include <asm/prctl.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <linux/rseq.h>
#include <linux/sched.h>

#include "thaw/failure.h"
#include "thaw/system_calls.h"

namespace boxlite::thaw {
namespace {

constexpr std::size_t thread_stack_bytes = 4096;
constexpr int no_alternative_stack = 2;  // SS_DISABLE

// What a thread needs to become what it was. They stay: the last one cannot give back what it runs on.
struct Waking {
  alignas(64) unsigned char stack[thread_stack_bytes];
  alignas(16) unsigned char vector_state[freeze::vector_state_bytes];
  ucontext frame;
  std::uint64_t robust_list, robust_list_bytes;
  std::uint64_t rseq, rseq_bytes, rseq_signature;
};

Waking waking[freeze::most_threads];

// As the kernel leaves it on the stack for a signal handler.
void prepare(const freeze::Thread& thread, Waking& to) {
  const auto& from = thread.registers;
  auto& frame = to.frame;
  frame.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
  frame.uc_stack.ss_flags = no_alternative_stack;
  frame.uc_sigmask = thread.signal_mask;
  auto& context = frame.uc_mcontext;
  context.r8 = from.r8;
  context.r9 = from.r9;
  context.r10 = from.r10;
  context.r11 = from.r11;
  context.r12 = from.r12;
  context.r13 = from.r13;
  context.r14 = from.r14;
  context.r15 = from.r15;
  context.rdi = from.rdi;
  context.rsi = from.rsi;
  context.rbp = from.rbp;
  context.rbx = from.rbx;
  context.rdx = from.rdx;
  context.rax = from.rax;
  context.rcx = from.rcx;
  context.rsp = from.rsp;
  context.rip = from.rip;
  context.eflags = from.eflags;
  context.cs = static_cast<__u16>(from.cs);
  context.ss = static_cast<__u16>(from.ss);
  for (std::size_t i = 0; i < sizeof to.vector_state; ++i) to.vector_state[i] = thread.vector_state[i];
  // Nothing but the oldest part: a thread that waits has nothing in the wider registers.
  auto& vector_state = *reinterpret_cast<_fpstate*>(to.vector_state);
  vector_state.sw_reserved = {};
  context.fpstate = &vector_state;
  to.robust_list = thread.robust_list;
  to.robust_list_bytes = thread.robust_list_bytes;
  to.rseq = thread.rseq;
  to.rseq_bytes = thread.rseq_bytes;
  to.rseq_signature = thread.rseq_signature;
}

void register_rseq(const Waking& self) {
  if (self.rseq == 0) return;
  auto& area = *reinterpret_cast<struct rseq*>(self.rseq);
  area.cpu_id_start = 0;
  area.cpu_id = static_cast<std::uint32_t>(RSEQ_CPU_ID_UNINITIALIZED);
  area.rseq_cs = 0;
  const auto result = system_call(__NR_rseq, self.rseq, self.rseq_bytes, 0, self.rseq_signature);
  // The C library goes without it then.
  if (result != 0) area.cpu_id = static_cast<std::uint32_t>(RSEQ_CPU_ID_REGISTRATION_FAILED);
}

[[noreturn]] void wake(const Waking& self) {
  if (self.robust_list != 0)
    must("set_robust_list", system_call(__NR_set_robust_list, self.robust_list, self.robust_list_bytes));
  register_rseq(self);
  asm volatile(
      "mov %0, %%rsp\n"
      "mov %1, %%eax\n"
      "syscall\n"
      "hlt"
      :
      : "r"(&self.frame), "i"(__NR_rt_sigreturn)
      : "memory");
  __builtin_unreachable();
}

}  // namespace

extern "C" [[noreturn]] __attribute__((used)) void boxlite_thaw_thread(const Waking* self) {
  wake(*self);
}

// A thread begins in boxlite_thaw_thread, with `self`.
extern "C" long boxlite_thaw_clone(std::uint64_t flags, void* stack_end, std::uint64_t id_address,
                                   std::uint64_t cleared_address, std::uint64_t thread_pointer,
                                   const Waking* self);
asm(R"(
.globl boxlite_thaw_clone
boxlite_thaw_clone:
  mov %rcx, %r10
  mov $56, %eax
  syscall
  test %rax, %rax
  jnz 1f
  mov %r9, %rdi
  call boxlite_thaw_thread
1:
  ret
)");

void prepare_threads(const freeze::ImageHeader& header, const freeze::Thread* threads) {
  for (std::size_t i = 0; i < header.thread_count; ++i) prepare(threads[i], waking[i]);
}

void wake_others(const freeze::ImageHeader& header, const freeze::Thread* threads) {
  constexpr std::uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                  CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  for (std::size_t i = 1; i < header.thread_count; ++i) {
    const auto id = threads[i].id_address;
    must("clone", boxlite_thaw_clone(flags, waking[i].stack + thread_stack_bytes, id, id,
                                     threads[i].registers.fs_base, &waking[i]));
  }
}

void become_first_thread(const freeze::Thread& thread) {
  must("arch_prctl", system_call(__NR_arch_prctl, ARCH_SET_FS, thread.registers.fs_base));
  const auto id = system_call(__NR_set_tid_address, thread.id_address);
  *reinterpret_cast<std::int32_t*>(thread.id_address) = static_cast<std::int32_t>(id);
}

void wake_first() {
  wake(waking[0]);
}

}  // namespace boxlite::thaw
