// SPDX-License-Identifier: Apache-2.0
#include "freeze/traced_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "freeze/number_names.h"

namespace boxlite::freeze {
namespace {

static_assert(sizeof(Registers) == sizeof(user_regs_struct));
static_assert(vector_state_bytes == sizeof(user_fpregs_struct));

// Where glibc keeps a thread's id, from the thread's own pointer (struct pthread, x86-64); compared with the
// id before anything relies on it.
constexpr std::uint64_t thread_id_offset = 0x2d0;
// `syscall` has two bytes.
constexpr std::uint64_t syscall_instruction_bytes = 2;
// Below it a function may keep values without having moved the stack pointer (System V ABI).
constexpr std::uint64_t red_zone_bytes = 128;

std::unexpected<Error> trace_failed(const char* what, pid_t thread) {
  return fail(syscall_error("ptrace", concat(what, " thread ", thread), errno));
}

long trace(int request, pid_t thread, std::uint64_t address, void* data) {
  return ::ptrace(static_cast<__ptrace_request>(request), thread, address, data);
}

// False: it has ended.
Result<bool> await_stop(pid_t thread) {
  int status = 0;
  while (::waitpid(thread, &status, __WALL) < 0) {
    if (errno == ECHILD) return false;
    if (errno != EINTR) return fail(syscall_error("waitpid", concat("thread ", thread), errno));
  }
  return WIFSTOPPED(status);
}

// Where a thread is that was stopped.
enum class Place {
  elsewhere,
  repeating,    // in a system call that is to be made again (the kernel's ERESTART…; a timeout begins anew)
  interrupted,  // in one that has failed with EINTR
};

Place place_of(const Registers& registers) {
  const auto result = static_cast<std::int64_t>(registers.rax);
  if (static_cast<std::int64_t>(registers.orig_rax) < 0) return Place::elsewhere;
  if (result == -EINTR) return Place::interrupted;
  constexpr std::int64_t restart_first = -512, restart_none = -515, restart_last = -516;
  const bool is_restart = result <= restart_first && result >= restart_last && result != restart_none;
  return is_restart ? Place::repeating : Place::elsewhere;
}

}  // namespace

Result<TracedProcess> TracedProcess::stop(pid_t pid) {
  TracedProcess self(pid);
  // One that runs may make another.
  while (BOXLITE_TRY(self.stop_new_threads())) {
  }
  for (const auto thread : self.threads_) {
    if (place_of(BOXLITE_TRY(self.registers_of(thread))) == Place::elsewhere)
      return fail(ErrorCode::unavailable, concat("freeze: thread ", thread, " is busy"));
  }
  return self;
}

// Threads may end meanwhile.
Result<bool> TracedProcess::stop_new_threads() {
  bool found = false;
  for (const auto thread : BOXLITE_TRY(numbers_in(concat("/proc/", pid_, "/task")))) {
    if (std::ranges::find(threads_, thread) != threads_.end()) continue;
    found = BOXLITE_TRY(stop_thread(thread)) || found;
  }
  std::ranges::sort(threads_);
  return found;
}

// False: it has ended.
Result<bool> TracedProcess::stop_thread(pid_t thread) {
  // Should we die now, the process could not go on.
  auto* const options = reinterpret_cast<void*>(static_cast<std::uintptr_t>(PTRACE_O_EXITKILL));
  if (trace(PTRACE_SEIZE, thread, 0, options) != 0) {
    if (errno == ESRCH) return false;
    return trace_failed("seize", thread);
  }
  if (trace(PTRACE_INTERRUPT, thread, 0, nullptr) != 0 && errno != ESRCH)
    return trace_failed("interrupt", thread);
  if (!BOXLITE_TRY(await_stop(thread))) return false;
  threads_.push_back(thread);
  return true;
}

TracedProcess::~TracedProcess() {
  for (const auto thread : threads_) trace(PTRACE_DETACH, thread, 0, nullptr);
}

// A thread that is traced and has ended is its tracer's to reap; only then can the first one be.
void TracedProcess::kill() {
  ::kill(pid_, SIGKILL);
  for (const auto thread : threads_) {
    int status = 0;
    while (thread != pid_ &&
           (::waitpid(thread, &status, __WALL) == thread ? !WIFEXITED(status) && !WIFSIGNALED(status)
                                                         : errno == EINTR)) {
    }
  }
  threads_.clear();
}

Result<Registers> TracedProcess::registers_of(pid_t thread) const {
  Registers registers;
  if (trace(PTRACE_GETREGS, thread, 0, &registers) != 0) return trace_failed("read", thread);
  return registers;
}

Result<std::vector<Thread>> TracedProcess::threads() const {
  std::vector<Thread> all;
  for (const auto thread : threads_) {
    all.push_back(BOXLITE_TRY(describe(thread)));
    // The first thread has the process's number, and numbers wrap around.
    if (thread == pid_) std::swap(all.front(), all.back());
  }
  return all;
}

Result<Thread> TracedProcess::describe(pid_t thread) const {
  Thread result = {};
  result.registers = BOXLITE_TRY(registers_of(thread));
  if (place_of(result.registers) == Place::repeating) {
    result.registers.rax = result.registers.orig_rax;
    result.registers.rip -= syscall_instruction_bytes;
  }
  if (trace(PTRACE_GETSIGMASK, thread, sizeof result.signal_mask, &result.signal_mask) != 0)
    return trace_failed("read signal mask of", thread);
  if (trace(PTRACE_GETFPREGS, thread, 0, &result.vector_state) != 0)
    return trace_failed("read vector state of", thread);
  __ptrace_rseq_configuration rseq = {};
  if (trace(PTRACE_GET_RSEQ_CONFIGURATION, thread, sizeof rseq, &rseq) < 0)
    return trace_failed("read rseq of", thread);
  result.rseq = rseq.rseq_abi_pointer;
  result.rseq_bytes = rseq.rseq_abi_size;
  result.rseq_signature = rseq.signature;
  if (::syscall(SYS_get_robust_list, thread, &result.robust_list, &result.robust_list_bytes) != 0)
    return fail(syscall_error("get_robust_list", concat("thread ", thread), errno));
  result.id_address = result.registers.fs_base + thread_id_offset;
  std::int32_t id = 0;
  BOXLITE_TRY(read(result.id_address, &id, sizeof id));
  if (id == thread) return result;
  return fail(ErrorCode::unsupported, "freeze: the C library keeps its threads in a way that is not known");
}

Result<std::uint64_t> TracedProcess::call(std::uint64_t number, const std::uint64_t (&arguments)[4]) const {
  const auto thread = threads_.front();
  auto before = BOXLITE_TRY(registers_of(thread));
  // It has just come out of one.
  const auto instruction = before.rip - syscall_instruction_bytes;
  auto asking = before;
  asking.rip = instruction;
  asking.orig_rax = ~std::uint64_t{0};
  asking.rax = number;
  asking.rdi = arguments[0];
  asking.rsi = arguments[1];
  asking.rdx = arguments[2];
  asking.r10 = arguments[3];
  if (trace(PTRACE_SETREGS, thread, 0, &asking) != 0 || trace(PTRACE_SINGLESTEP, thread, 0, nullptr) != 0)
    return trace_failed("ask", thread);
  if (!BOXLITE_TRY(await_stop(thread))) return fail(ErrorCode::stopped, "freeze: the process has ended");
  const auto after = BOXLITE_TRY(registers_of(thread));
  if (after.rip != instruction + syscall_instruction_bytes)
    return fail(ErrorCode::internal, concat("freeze: system call ", number, ": no answer"));
  // As it was, for the next one.
  if (trace(PTRACE_SETREGS, thread, 0, &before) != 0) return trace_failed("restore", thread);
  return after.rax;
}

Result<void> TracedProcess::read_attributes(ImageHeader& header) const {
  const auto stack = BOXLITE_TRY(registers_of(threads_.front())).rsp;
  const auto scratch = (stack - red_zone_bytes - sizeof(SignalAction)) & ~std::uint64_t{15};
  for (std::size_t signal = 1; signal <= signal_count; ++signal) {
    if (BOXLITE_TRY(call(SYS_rt_sigaction, {signal, 0, scratch, sizeof(std::uint64_t)})) != 0)
      return fail(ErrorCode::internal, concat("freeze: signal ", signal, ": no answer"));
    BOXLITE_TRY(read(scratch, &header.actions[signal - 1], sizeof(SignalAction)));
  }
  header.timer_slack_ns = BOXLITE_TRY(call(SYS_prctl, {PR_GET_TIMERSLACK, 0, 0, 0}));
  return {};
}

Result<void> TracedProcess::read(std::uint64_t address, void* into, std::size_t bytes) const {
  auto* at = static_cast<unsigned char*>(into);
  while (bytes > 0) {
    iovec to{.iov_base = at, .iov_len = bytes};
    iovec from{.iov_base = reinterpret_cast<void*>(address), .iov_len = bytes};
    const auto count = ::process_vm_readv(pid_, &to, 1, &from, 1, 0);
    if (count <= 0)
      return fail(syscall_error("process_vm_readv", concat("process ", pid_), count < 0 ? errno : EIO));
    at += count;
    address += static_cast<std::uint64_t>(count);
    bytes -= static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace boxlite::freeze
