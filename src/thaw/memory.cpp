// SPDX-License-Identifier: Apache-2.0
#include "thaw/memory.h"

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "thaw/failure.h"
#include "thaw/system_calls.h"

namespace boxlite::thaw {
namespace {

using freeze::Source;

constexpr std::uint64_t image_place = 0x4000'0000;
constexpr std::uint64_t special_place = 0x5000'0000;  // for the kernel's own pages, on their way
constexpr std::size_t most_files = 512;

char areas_text[64 << 10];
int file_fds[most_files];
freeze::SpecialMapping special_now[freeze::most_special_mappings];

std::uint64_t map(std::uint64_t at, std::uint64_t bytes, std::uint64_t protection, std::uint64_t flags,
                  std::uint64_t fd, std::uint64_t offset) {
  return must("mmap", system_call(__NR_mmap, at, bytes, protection, flags, fd, offset));
}

std::uint64_t parse_hex(const char*& at) {
  std::uint64_t value = 0;
  for (;; ++at) {
    if (*at >= '0' && *at <= '9') {
      value = value * 16 + static_cast<std::uint64_t>(*at - '0');
    } else if (*at >= 'a' && *at <= 'f') {
      value = value * 16 + static_cast<std::uint64_t>(*at - 'a' + 10);
    } else {
      return value;
    }
  }
}

bool starts_with(const char* text, const char* prefix) {
  for (; *prefix != 0; ++text, ++prefix) {
    if (*text != *prefix) return false;
  }
  return true;
}

// [vdso] and its data, which the kernel puts somewhere else in each process.
std::size_t find_special() {
  const auto fd = must("/proc/self/maps", system_call(__NR_openat, static_cast<std::uint64_t>(AT_FDCWD),
                                                      address_of("/proc/self/maps"), O_RDONLY));
  std::size_t used = 0;
  while (used < sizeof areas_text - 1) {
    const auto count = must("/proc/self/maps", system_call(__NR_read, fd, address_of(areas_text + used),
                                                           sizeof areas_text - 1 - used));
    if (count == 0) break;
    used += count;
  }
  system_call(__NR_close, fd);
  std::size_t found = 0;
  for (const char* at = areas_text; *at != 0;) {
    freeze::SpecialMapping area;
    area.start = parse_hex(at);
    ++at;
    area.end = parse_hex(at);
    while (*at != 0 && *at != '\n' && *at != '[') ++at;
    if (starts_with(at, "[vvar") || starts_with(at, "[vdso]")) {
      if (found == freeze::most_special_mappings) give_up("too many mappings of the kernel", 0);
      special_now[found++] = area;
    }
    while (*at != 0 && *at != '\n') ++at;
    if (*at != 0) ++at;
  }
  return found;
}

void move(std::uint64_t from, std::uint64_t bytes, std::uint64_t to) {
  must("mremap", system_call(__NR_mremap, from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

void place_special(const freeze::ImageHeader& header) {
  auto place = special_place;
  for (std::size_t i = 0; i < header.special_count; ++i) {
    const auto bytes = header.special[i].end - header.special[i].start;
    move(place, bytes, header.special[i].start);
    place += bytes;
  }
}

// The very file, or what is mapped of it would not fit the rest.
int open_file(const freeze::File& file, const freeze::ImageTables& tables) {
  if (file.name >= tables.text_bytes) give_up("image: a name", 0);
  const char* const name = tables.texts + file.name;
  const auto fd =
      must(name, system_call(__NR_openat, static_cast<std::uint64_t>(AT_FDCWD), address_of(name), O_RDONLY));
  struct stat status = {};
  must(name, system_call(__NR_fstat, fd, address_of(&status)));
  const freeze::FileIdentity found{.device = status.st_dev,
                                   .inode = status.st_ino,
                                   .size = static_cast<std::uint64_t>(status.st_size),
                                   .changed_s = status.st_mtime,
                                   .changed_ns = status.st_mtime_nsec};
  if (found != file.identity) give_up(name, 0);
  return static_cast<int>(fd);
}

void read_pages(std::uint64_t into, std::uint64_t bytes, std::uint64_t offset) {
  const auto count = must("pread", system_call(__NR_pread64, freeze::pages_fd, into, bytes, offset));
  if (count != bytes) give_up("the pages are cut", 0);
}

}  // namespace

const freeze::ImageHeader& map_image(freeze::ImageTables& tables) {
  struct stat status = {};
  must("image", system_call(__NR_fstat, freeze::image_fd, address_of(&status)));
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes == 0 || bytes > special_place - image_place) give_up("image: size", 0);
  map(image_place, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, freeze::image_fd, 0);
  const auto* const image = reinterpret_cast<const unsigned char*>(image_place);
  if (!freeze::find_tables(image, bytes, tables)) give_up("image: not one of this version", 0);
  return *reinterpret_cast<const freeze::ImageHeader*>(image);
}

void unmap_image(const freeze::ImageHeader& header) {
  system_call(__NR_munmap, image_place, header.bytes);
}

void clear_memory(const freeze::ImageHeader& header) {
  if (find_special() != header.special_count) give_up("another kernel", 0);
  auto place = special_place;
  for (std::size_t i = 0; i < header.special_count; ++i) {
    const auto bytes = special_now[i].end - special_now[i].start;
    if (bytes != header.special[i].end - header.special[i].start) give_up("another kernel", 0);
    move(special_now[i].start, bytes, place);
    place += bytes;
  }
  must("munmap",
       system_call(__NR_munmap, freeze::lowest_address, freeze::highest_address - freeze::lowest_address));
}

void map_memory(const freeze::ImageHeader& header, const freeze::ImageTables& tables) {
  if (header.file_count > most_files) give_up("image: too many files", 0);
  for (std::size_t i = 0; i < header.file_count; ++i) file_fds[i] = open_file(tables.files[i], tables);
  for (std::size_t i = 0; i < header.mapping_count; ++i) {
    const auto& mapping = tables.mappings[i];
    const auto bytes = mapping.end - mapping.start;
    std::uint64_t flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
    std::uint64_t fd = ~std::uint64_t{0};
    switch (mapping.source) {
      case Source::nothing:
      case Source::copy: flags |= MAP_ANONYMOUS; break;
      case Source::pages: fd = freeze::pages_fd; break;
      case Source::file:
        if (mapping.which >= header.file_count) give_up("image: a file", 0);
        fd = static_cast<std::uint64_t>(file_fds[mapping.which]);
        break;
      case Source::descriptor: fd = mapping.which; break;
    }
    if (mapping.start < freeze::lowest_address || mapping.end > freeze::highest_address)
      give_up("image: a mapping", 0);
    map(mapping.start, bytes, mapping.protection, flags, fd, mapping.offset);
    if (mapping.source == Source::copy) read_pages(mapping.start, bytes, mapping.offset);
    // It works without as well.
    for (const auto advice : mapping.advice)
      if (advice != 0) system_call(__NR_madvise, mapping.start, bytes, advice);
  }
  for (std::size_t i = 0; i < header.file_count; ++i)
    system_call(__NR_close, static_cast<std::uint64_t>(file_fds[i]));
  place_special(header);
}

void set_layout(const freeze::ImageHeader& header) {
  const auto& layout = header.layout;
  prctl_mm_map wanted = {};
  wanted.start_code = layout.start_code;
  wanted.end_code = layout.end_code;
  wanted.start_data = layout.start_data;
  wanted.end_data = layout.end_data;
  wanted.start_brk = layout.start_break;
  wanted.brk = layout.end_break;
  wanted.start_stack = layout.start_stack;
  wanted.arg_start = layout.start_arguments;
  wanted.arg_end = layout.end_arguments;
  wanted.env_start = layout.start_environment;
  wanted.env_end = layout.end_environment;
  wanted.exe_fd = ~0u;
  must("prctl(PR_SET_MM_MAP)",
       system_call(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, address_of(&wanted), sizeof wanted));
  // Before there are other threads, which inherit it.
  must("prctl(PR_SET_TIMERSLACK)", system_call(__NR_prctl, PR_SET_TIMERSLACK, header.timer_slack_ns));
  must("prctl(PR_SET_NAME)", system_call(__NR_prctl, PR_SET_NAME, address_of(header.name)));
}

}  // namespace boxlite::thaw
