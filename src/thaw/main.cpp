// SPDX-License-Identifier: Apache-2.0
// boxlite-thaw: turns into a process that was frozen (freeze/process_image.h). Started by boxlite-shim with
// that process's descriptors, its image and its pages; takes no arguments.
//
// It has no C library, whose memory and thread would be in the way of those that come back, and lies where no
// other program does. All that it does is make system calls: forget the memory it was given by the kernel,
// map the process's, and let each thread return from a signal that never was, with the registers it had.
#include <cstddef>
#include <cstdint>

#include <asm/signal.h>
#include <asm/unistd.h>

#include "freeze/process_image.h"
#include "thaw/failure.h"
#include "thaw/memory.h"
#include "thaw/system_calls.h"
#include "thaw/threads.h"

namespace boxlite::thaw {
namespace {

void set_signal_actions(const freeze::ImageHeader& header) {
  for (std::size_t i = 0; i < freeze::signal_count; ++i) {
    const auto signal = i + 1;
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    must("rt_sigaction",
         system_call(__NR_rt_sigaction, signal, address_of(&header.actions[i]), 0, sizeof(std::uint64_t)));
  }
}

}  // namespace

extern "C" [[noreturn]] __attribute__((used)) void boxlite_thaw_main() {
  freeze::ImageTables tables;
  const auto& header = map_image(tables);
  clear_memory(header);
  map_memory(header, tables);
  set_layout(header);
  prepare_threads(header, tables.threads);
  // Nobody handles a signal before all is there: none is wanted, and they are blocked where they matter.
  set_signal_actions(header);
  become_first_thread(tables.threads[0]);
  wake_others(header, tables.threads);
  system_call(__NR_close, freeze::image_fd);
  system_call(__NR_close, freeze::pages_fd);
  unmap_image(header);
  wake_first();
}

// The stack that the kernel made goes with all else.
asm(R"(
.globl _start
_start:
  lea boxlite_thaw_stack_end(%rip), %rsp
  xor %ebp, %ebp
  call boxlite_thaw_main
.bss
.balign 64
  .skip 16384
boxlite_thaw_stack_end:
.text
)");

}  // namespace boxlite::thaw
