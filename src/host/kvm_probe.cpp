// SPDX-License-Identifier: Apache-2.0
//
// A virtual machine of 64 KiB and one processor, made by hand. It starts in long mode: page tables that map
// the first 2 MiB onto themselves, a flat code segment. The loop must be 64-bit code with paging, as a kernel
// is: the hosts that the probe is for run 16-bit code at full speed.
//
// KVM_RUN returns when a signal is pending. A timer sends one to this thread; it stays blocked except while
// KVM_RUN executes (KVM_SET_SIGNAL_MASK), so that no handler of the embedding program is involved.
#include "host/kvm_probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"

namespace boxlite::host {
namespace {

using std::chrono::microseconds;

constexpr std::size_t guest_bytes = 64u << 10;
constexpr std::uint64_t code_at = 0x1000;
constexpr std::uint64_t tables_at = 0x2000;  // three pages: PML4, PDPT, PD

constexpr microseconds run_limit{100'000};
// Hardware: 10-30 us. An interpreter: 20,000 us and more. A busy host may preempt one try, hardly all of
// them.
constexpr microseconds native_limit{4'000};
constexpr int tries = 4;

constexpr std::array<std::uint8_t, 1> halt_code = {0xf4};  // hlt
constexpr std::array<std::uint8_t, 12> loop_code = {
    0xb9, 0x20, 0x4e, 0x00, 0x00,  // mov $20000, %ecx
    0x48, 0xff, 0xc9,              // again: dec %rcx
    0x75, 0xfb,                    // jnz again
    0xf4, 0x90,                    // hlt
};

// A blocked real-time signal that a timer sends to this thread.
class Alarm {
 public:
  static Result<std::unique_ptr<Alarm>> create() {
    auto alarm = std::unique_ptr<Alarm>(new Alarm);
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal();
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    if (::timer_create(CLOCK_MONOTONIC, &event, &alarm->timer_) != 0) {
      return fail(syscall_error("timer_create", "probe", errno));
    }
    alarm->has_timer_ = true;
    return alarm;
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    if (has_timer_) ::timer_delete(timer_);
    drain();
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  static int signal() { return SIGRTMAX - 3; }
  void set(microseconds limit) {
    const itimerspec when{{0, 0}, {limit.count() / 1'000'000, (limit.count() % 1'000'000) * 1000}};
    ::timer_settime(timer_, 0, &when, nullptr);
  }
  void stop() {
    set(microseconds(0));
    drain();
  }

 private:
  Alarm() {
    ::sigemptyset(&ours_);
    ::sigaddset(&ours_, signal());
    ::pthread_sigmask(SIG_BLOCK, &ours_, &old_mask_);
  }
  void drain() {
    const timespec no_wait{0, 0};
    while (::sigtimedwait(&ours_, nullptr, &no_wait) > 0) {
    }
  }
  sigset_t ours_ = {};
  sigset_t old_mask_ = {};
  timer_t timer_ = nullptr;
  bool has_timer_ = false;
};

struct Mapping {
  void* at = MAP_FAILED;
  std::size_t size = 0;
  ~Mapping() {
    if (at != MAP_FAILED) ::munmap(at, size);
  }
};

class TinyMachine {
 public:
  explicit TinyMachine(int device_fd) : device_fd_(device_fd) {}
  TinyMachine(const TinyMachine&) = delete;
  TinyMachine& operator=(const TinyMachine&) = delete;

  Result<void> build() {
    if (::ioctl(device_fd_, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
      return fail(ErrorCode::unsupported, "KVM speaks another version of its interface");
    }
    machine_ = UniqueFd(BOXLITE_TRY(call("KVM_CREATE_VM", ::ioctl(device_fd_, KVM_CREATE_VM, 0))));
    BOXLITE_TRY(map(memory_, guest_bytes, MAP_ANONYMOUS | MAP_SHARED, -1));
    write_page_tables();
    kvm_userspace_memory_region region = {};
    region.memory_size = guest_bytes;
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory_.at);
    BOXLITE_TRY(
        call("KVM_SET_USER_MEMORY_REGION", ::ioctl(machine_.get(), KVM_SET_USER_MEMORY_REGION, &region)));
    vcpu_ = UniqueFd(BOXLITE_TRY(call("KVM_CREATE_VCPU", ::ioctl(machine_.get(), KVM_CREATE_VCPU, 0))));
    const int run_bytes =
        BOXLITE_TRY(call("KVM_GET_VCPU_MMAP_SIZE", ::ioctl(device_fd_, KVM_GET_VCPU_MMAP_SIZE, 0)));
    BOXLITE_TRY(map(run_, static_cast<std::size_t>(run_bytes), MAP_SHARED, vcpu_.get()));
    BOXLITE_TRY(let_signals_interrupt());
    return enter_long_mode();
  }

  // How long the code took to its HLT; nothing when it did not get there in time.
  Result<std::optional<microseconds>> run(std::span<const std::uint8_t> code, Alarm& alarm) {
    std::memcpy(static_cast<std::uint8_t*>(memory_.at) + code_at, code.data(), code.size());
    kvm_regs registers = {};
    registers.rip = code_at;
    registers.rflags = 2;
    BOXLITE_TRY(call("KVM_SET_REGS", ::ioctl(vcpu_.get(), KVM_SET_REGS, &registers)));
    alarm.set(run_limit);
    const auto start = std::chrono::steady_clock::now();
    const int result = ::ioctl(vcpu_.get(), KVM_RUN, 0);
    const int os_error = errno;
    const auto spent = std::chrono::steady_clock::now() - start;
    alarm.stop();
    if (result != 0 && os_error == EINTR) return std::optional<microseconds>();
    if (result != 0) return fail(syscall_error("ioctl", "KVM_RUN", os_error));
    const auto reason = static_cast<const kvm_run*>(run_.at)->exit_reason;
    if (reason != KVM_EXIT_HLT) return fail(ErrorCode::unsupported, concat("KVM_RUN: exit reason ", reason));
    return std::optional(std::chrono::duration_cast<microseconds>(spent));
  }

 private:
  static Result<int> call(std::string_view what, int result) {
    if (result >= 0) return result;
    return fail(syscall_error("ioctl", what, errno));
  }

  static Result<void> map(Mapping& mapping, std::size_t size, int flags, int fd) {
    mapping.size = size;
    mapping.at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (mapping.at == MAP_FAILED) return fail(syscall_error("mmap", "guest memory", errno));
    return {};
  }

  void write_page_tables() {
    const auto put = [&](std::uint64_t at, std::uint64_t entry) {
      std::memcpy(static_cast<std::uint8_t*>(memory_.at) + at, &entry, sizeof entry);
    };
    constexpr std::uint64_t present_writable = 3, large_page = 0x80;
    put(tables_at, (tables_at + 0x1000) | present_writable);
    put(tables_at + 0x1000, (tables_at + 0x2000) | present_writable);
    put(tables_at + 0x2000, present_writable | large_page);
  }

  Result<void> let_signals_interrupt() {
    // Written out, since kvm_signal_mask has an empty member that takes space in C++ but not in C: its size
    // (which is part of the request's number) and its layout come out wrong here.
    constexpr unsigned long set_signal_mask = _IOC(_IOC_WRITE, KVMIO, 0x8b, sizeof(std::uint32_t));
    struct {
      std::uint32_t length = sizeof(std::uint64_t);
      std::uint32_t set[2] = {~0u, ~0u};
    } mask;
    const auto bit = static_cast<unsigned>(Alarm::signal() - 1);
    mask.set[bit / 32] &= ~(1u << (bit % 32));
    BOXLITE_TRY(call("KVM_SET_SIGNAL_MASK", ::ioctl(vcpu_.get(), set_signal_mask, &mask)));
    return {};
  }

  Result<void> enter_long_mode() {
    kvm_sregs registers = {};
    BOXLITE_TRY(call("KVM_GET_SREGS", ::ioctl(vcpu_.get(), KVM_GET_SREGS, &registers)));
    registers.cr3 = tables_at;
    registers.cr4 = 1u << 5;                      // PAE
    registers.cr0 = (1u << 31) | (1u << 4) | 1u;  // paging, protection
    registers.efer = (1u << 8) | (1u << 10);      // long mode enabled and active
    kvm_segment code = {};
    code.limit = 0xffff'ffff;
    code.selector = 8;
    code.type = 11;
    code.present = 1;
    code.s = 1;
    code.l = 1;
    code.g = 1;
    auto data = code;
    data.type = 3;
    data.selector = 16;
    data.l = 0;
    data.db = 1;
    registers.cs = code;
    registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
    BOXLITE_TRY(call("KVM_SET_SREGS", ::ioctl(vcpu_.get(), KVM_SET_SREGS, &registers)));
    return {};
  }

  int device_fd_;
  Mapping memory_;
  UniqueFd machine_;
  UniqueFd vcpu_;
  Mapping run_;
};

Result<void> probe_machine(int device_fd, KvmReport& report) {
  const auto alarm = BOXLITE_TRY(Alarm::create());
  TinyMachine machine(device_fd);
  BOXLITE_TRY(machine.build());
  if (!BOXLITE_TRY(machine.run(halt_code, *alarm))) {
    return fail(ErrorCode::unsupported, "KVM_RUN: one HLT instruction does not end");
  }
  report.halts = true;
  for (int attempt = 0; attempt < tries && !report.runs_natively; ++attempt) {
    const auto spent = BOXLITE_TRY(machine.run(loop_code, *alarm));
    if (!spent) continue;
    if (report.loop_time.count() == 0 || *spent < report.loop_time) report.loop_time = *spent;
    report.runs_natively = report.loop_time < native_limit;
  }
  return {};
}

}  // namespace

std::string_view name(KvmVerdict verdict) {
  switch (verdict) {
    case KvmVerdict::usable: return "usable";
    case KvmVerdict::missing: return "missing";
    case KvmVerdict::no_access: return "no_access";
    case KvmVerdict::unusable: return "unusable";
    case KvmVerdict::interpreted: return "interpreted";
  }
  return "unusable";
}

KvmReport probe_kvm(const std::filesystem::path& device) {
  KvmReport report;
  const auto file = open_file(device, O_RDWR);
  report.exists = file || file.error().os_error() != ENOENT;
  report.opens = file.has_value();
  if (!file) {
    report.verdict = report.exists ? KvmVerdict::no_access : KvmVerdict::missing;
    report.detail = file.error().message();
    return report;
  }
  if (auto probed = probe_machine(file->get(), report); !probed) {
    report.verdict = KvmVerdict::unusable;
    report.detail = probed.error().message();
    return report;
  }
  report.verdict = report.runs_natively ? KvmVerdict::usable : KvmVerdict::interpreted;
  if (!report.runs_natively) {
    report.detail =
        report.loop_time.count() == 0
            ? concat("a loop of 20,000 iterations did not end within ", run_limit.count() / 1000, " ms")
            : concat("a loop of 20,000 iterations took ", report.loop_time.count(), " us");
  }
  return report;
}

}  // namespace boxlite::host
