// SPDX-License-Identifier: Apache-2.0
// A process that was frozen, as two files: its image, which is this header, the tables it counts, and their
// texts; and its pages, the content of the memory that was its own. Written by freeze() (freezer.h), brought
// back to life by boxlite-thaw, which has no library of its own: plain structures of x86-64 Linux, read where
// they lie. Never portable: a process is thawed on the host, and in the boot, that it was frozen in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace boxlite::freeze {

inline constexpr std::uint64_t image_magic = 0x3130'5a4f'5246'5842;  // "BXFROZ01"

// What boxlite-thaw finds open, besides the process's own descriptors.
inline constexpr int image_fd = 240;
inline constexpr int pages_fd = 241;

// How boxlite-thaw ends when it could not.
inline constexpr int cannot_thaw = 99;
// The same, where another time it may: too little memory, too few descriptors or processes.
inline constexpr int lacks_resources = 98;

// boxlite-thaw lies below, where programs that lie at no fixed address, and their libraries, have nothing,
// and all above is the frozen process's.
inline constexpr std::uint64_t lowest_address = 0x1'0000'0000;
inline constexpr std::uint64_t highest_address = 0x7fff'ffff'f000;

inline constexpr std::size_t most_threads = 64;
inline constexpr std::size_t most_special_mappings = 4;
inline constexpr std::size_t most_advice = 4;
inline constexpr std::size_t signal_count = 64;
inline constexpr std::size_t vector_state_bytes = 512;  // as FXSAVE has it

// As the kernel has it; not the C library's.
struct SignalAction {
  std::uint64_t handler, flags, restorer, mask;
};

// What prctl(PR_SET_MM_MAP) wants to know.
struct Layout {
  std::uint64_t start_code, end_code, start_data, end_data, start_break, end_break, start_stack;
  std::uint64_t start_arguments, end_arguments, start_environment, end_environment;
};

// In the order of the kernel's user_regs_struct.
struct Registers {
  std::uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs,
      eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

struct Thread {
  Registers registers;
  std::uint64_t signal_mask;
  std::uint64_t id_address;  // where the C library keeps the thread's id; 0 there means that it has ended
  std::uint64_t robust_list, robust_list_bytes;
  std::uint64_t rseq, rseq_bytes, rseq_signature;
  alignas(16) unsigned char vector_state[vector_state_bytes];
};

enum class Source : std::uint64_t {
  nothing,     // zeros
  pages,       // the pages file
  copy,        // a copy of what the pages file has: of no file, as /proc/<pid>/cmdline wants its memory to be
  file,        // file number `which` of this image
  descriptor,  // the process's own descriptor `which`
};

struct Mapping {
  std::uint64_t start, end;
  std::uint64_t protection;           // PROT_*
  std::uint64_t advice[most_advice];  // for madvise(); 0: no more
  Source source;
  std::uint64_t which;
  std::uint64_t offset;
};

struct FileIdentity {
  std::uint64_t device, inode, size, changed_s, changed_ns;

  bool operator==(const FileIdentity&) const = default;
};

// A program or library: the very one, or nothing of the image holds.
struct File {
  std::uint64_t name;  // where its path begins in the texts
  FileIdentity identity;
};

enum class DescriptorKind : std::uint64_t {
  given,      // `name` says what it is to whoever thaws
  file,       // `name` opened with `flags`
  event,      // an eventfd whose counter is `value`
  semaphore,  // the same, counting down by one
  signals,    // a signalfd for the mask `value`
  poll_set,   // an epoll instance that watches nothing
};

struct Descriptor {
  std::uint64_t number;
  DescriptorKind kind;
  std::uint64_t flags;  // O_*
  std::uint64_t value;
  std::uint64_t name;
};

// The kernel's own pages in each process: [vvar] and its like, [vdso].
struct SpecialMapping {
  std::uint64_t start, end;
};

struct ImageHeader {
  std::uint64_t magic;
  std::uint64_t bytes;  // of the whole image
  std::uint64_t thread_count, mapping_count, file_count, descriptor_count;
  std::uint64_t special_count;
  SpecialMapping special[most_special_mappings];
  Layout layout;
  SignalAction actions[signal_count];  // of signal 1 and on
  char name[16];                       // of the process
  std::uint64_t timer_slack_ns;
  std::uint64_t unused;
  // Thread[], Mapping[], File[], Descriptor[], and the texts, each with a zero at its end
};

// Where the tables lie, once the counts are known to fit.
struct ImageTables {
  const Thread* threads;
  const Mapping* mappings;
  const File* files;
  const Descriptor* descriptors;
  const char* texts;
  std::uint64_t text_bytes;
};

// False when the image is none, or is cut.
inline bool find_tables(const unsigned char* image, std::uint64_t bytes, ImageTables& tables) {
  if (bytes < sizeof(ImageHeader)) return false;
  const auto& header = *reinterpret_cast<const ImageHeader*>(image);
  constexpr std::uint64_t most = 1u << 16;
  if (header.magic != image_magic || header.bytes != bytes) return false;
  if (header.thread_count == 0 || header.thread_count > most_threads) return false;
  if (header.special_count > most_special_mappings) return false;
  if (header.mapping_count > most || header.file_count > most || header.descriptor_count > most) return false;
  const auto threads = sizeof(ImageHeader);
  const auto mappings = threads + header.thread_count * sizeof(Thread);
  const auto files = mappings + header.mapping_count * sizeof(Mapping);
  const auto descriptors = files + header.file_count * sizeof(File);
  const auto texts = descriptors + header.descriptor_count * sizeof(Descriptor);
  // The last byte ends the last text.
  if (texts >= bytes || image[bytes - 1] != 0) return false;
  tables.threads = reinterpret_cast<const Thread*>(image + threads);
  tables.mappings = reinterpret_cast<const Mapping*>(image + mappings);
  tables.files = reinterpret_cast<const File*>(image + files);
  tables.descriptors = reinterpret_cast<const Descriptor*>(image + descriptors);
  tables.texts = reinterpret_cast<const char*>(image + texts);
  tables.text_bytes = bytes - texts;
  return true;
}

static_assert(sizeof(ImageHeader) % 16 == 0 && sizeof(Thread) % 16 == 0);

}  // namespace boxlite::freeze
