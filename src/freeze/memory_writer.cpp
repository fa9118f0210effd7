// SPDX-License-Identifier: Apache-2.0
#include "freeze/memory_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/file_identity.h"

namespace boxlite::freeze {
namespace {

// Stretches of a mapping with fewer zeros than this between them are one mapping of the pages file.
constexpr std::uint64_t longest_gap = 1u << 20;
// Stacks grow by themselves only where the kernel has put them; the limit of most processes.
constexpr std::uint64_t stack_bytes = 8u << 20;

bool is_special(const Area& area) {
  return area.name == "[vdso]" || area.name.starts_with("[vvar");
}

bool is_zero(const char* page) {
  return page[0] == 0 && std::memcmp(page, page + 1, page_bytes - 1) == 0;
}

}  // namespace

Result<void> MemoryWriter::write(std::span<const Area> areas) {
  pages_ = BOXLITE_TRY(open_file(order_.pages, O_RDWR | O_CREAT | O_TRUNC));
  auto below = lowest_address;
  for (const auto& area : areas) BOXLITE_TRY(add_area(area, std::exchange(below, area.end)));
  if (order_.mapped_file && !has_met_mapped_file_)
    return fail(ErrorCode::unsupported, "freeze: the process has not mapped the file that it should have");
  if (::ftruncate(pages_.get(), static_cast<off_t>(pages_end_)) != 0)
    return fail(syscall_error("ftruncate", order_.pages.native(), errno));
  return {};
}

Result<void> MemoryWriter::add_area(const Area& area, std::uint64_t free_from) {
  if (area.name == "[vsyscall]") return {};
  if (is_special(area)) return add_special(area);
  if (area.start < lowest_address || area.end > highest_address || area.is_locked)
    return fail(ErrorCode::unsupported, concat("freeze: memory at ", area.start, " ", in_quotes(area.name)));
  if (order_.mapped_file && area.name == order_.mapped_file->file) return copy_mapped_file(area);
  if (area.is_shared)
    return fail(ErrorCode::unsupported, concat("freeze: shared memory ", in_quotes(area.name)));
  if (area.name == "[stack]") add_room_below(area, free_from);
  if (area.is_forgetful) {
    add_mapping(area, area.start, area.end, Source::nothing, 0, 0);
    return {};
  }
  return area.inode != 0 ? add_file_area(area) : add_own_area(area);
}

// With a closed page at its end, at which what runs over stops.
void MemoryWriter::add_room_below(const Area& stack, std::uint64_t free_from) {
  const auto end = stack.start;
  const auto start = std::max(free_from + page_bytes, stack.end - std::min(stack.end, stack_bytes));
  if (start + page_bytes >= end) return;
  auto closed = stack;
  closed.protection = 0;
  add_mapping(closed, start, start + page_bytes, Source::nothing, 0, 0);
  add_mapping(stack, start + page_bytes, end, Source::nothing, 0, 0);
}

Result<void> MemoryWriter::add_special(const Area& area) {
  if (special_.size() == most_special_mappings)
    return fail(ErrorCode::unsupported, concat("freeze: the kernel's mapping ", area.name));
  special_.push_back({.start = area.start, .end = area.end});
  return {};
}

// What the process has written to is its own, the rest is the file's.
Result<void> MemoryWriter::add_file_area(const Area& area) {
  const auto index = BOXLITE_TRY(file_index(area.name));
  add_mapping(area, area.start, area.end, Source::file, index, area.offset);
  return for_each_own_run(order_.pid, area, [&](std::uint64_t start, std::uint64_t end) -> Result<void> {
    add_mapping(area, start, end, Source::pages, 0, pages_end_);
    const auto offset = std::exchange(pages_end_, pages_end_ + (end - start));
    return write_run(start, end, order_.pages, pages_.get(), offset);
  });
}

// Long stretches without content stay memory that is not there until it is written to.
Result<void> MemoryWriter::add_own_area(const Area& area) {
  std::uint64_t mapped_to = area.start;
  std::uint64_t first = 0;  // of the stretch that is being collected
  std::uint64_t last = 0;
  const auto end_stretch = [&] {
    if (first == last) return;
    if (mapped_to < first) add_mapping(area, mapped_to, first, Source::nothing, 0, 0);
    add_mapping(area, first, last, area.name == "[stack]" ? Source::copy : Source::pages, 0, pages_end_);
    pages_end_ += last - first;
    mapped_to = last;
  };
  BOXLITE_TRY(for_each_own_run(order_.pid, area, [&](std::uint64_t start, std::uint64_t end) -> Result<void> {
    if (first == last || start - last > longest_gap) {
      end_stretch();
      first = start;
    }
    last = end;
    if (area.protection == 0)
      return fail(ErrorCode::unsupported, "freeze: memory that was closed with something in it");
    return write_run(start, end, order_.pages, pages_.get(), pages_end_ + (start - first));
  }));
  end_stretch();
  if (mapped_to < area.end) add_mapping(area, mapped_to, area.end, Source::nothing, 0, 0);
  return {};
}

Result<void> MemoryWriter::copy_mapped_file(const Area& area) {
  const auto& mapped = *order_.mapped_file;
  add_mapping(area, area.start, area.end, Source::descriptor, static_cast<std::uint64_t>(mapped.number),
              area.offset);
  has_met_mapped_file_ = true;
  const auto copy = BOXLITE_TRY(open_file(mapped.copy, O_RDWR));
  return for_each_own_run(order_.pid, area, [&](std::uint64_t start, std::uint64_t end) {
    return write_run(start, end, mapped.copy, copy.get(), area.offset + (start - area.start));
  });
}

// Pages of zeros become holes, where the file has none already.
Result<void> MemoryWriter::write_run(std::uint64_t start, std::uint64_t end,
                                     const std::filesystem::path& file, int fd, std::uint64_t offset) {
  std::vector<char> buffer(std::min<std::uint64_t>(end - start, 1u << 20));
  for (auto at = start; at < end;) {
    const auto count = std::min<std::uint64_t>(buffer.size(), end - at);
    BOXLITE_TRY(process_.read(at, buffer.data(), count));
    for (std::uint64_t done = 0; done < count; done += page_bytes) {
      const auto where = static_cast<off_t>(offset + (at - start) + done);
      const char* const page = buffer.data() + done;
      if (is_zero(page) && fd == pages_.get()) continue;
      const auto written = ::pwrite(fd, page, page_bytes, where);
      if (written != static_cast<ssize_t>(page_bytes))
        return fail(syscall_error("write", file.native(), written < 0 ? errno : ENOSPC));
    }
    at += count;
  }
  return {};
}

Result<std::uint64_t> MemoryWriter::file_index(const std::string& path) {
  const auto known = std::ranges::find(file_names_, path);
  if (known != file_names_.end()) return static_cast<std::uint64_t>(known - file_names_.begin());
  const auto identity = BOXLITE_TRY(identify_file(path));
  files_.push_back({.name = texts_.add(path), .identity = identity});
  file_names_.push_back(path);
  return files_.size() - 1;
}

void MemoryWriter::add_mapping(const Area& area, std::uint64_t start, std::uint64_t end, Source source,
                               std::uint64_t which, std::uint64_t offset) {
  Mapping mapping{.start = start,
                  .end = end,
                  .protection = static_cast<std::uint64_t>(area.protection),
                  .advice = {},
                  .source = source,
                  .which = which,
                  .offset = offset};
  auto* advice = mapping.advice;
  // Pages of a file cannot be huge.
  if (area.wants_huge_pages && source == Source::nothing) *advice++ = MADV_HUGEPAGE;
  if (area.is_left_out_of_cores) *advice++ = MADV_DONTDUMP;
  if (area.is_left_out_of_forks) *advice++ = MADV_DONTFORK;
  if (area.is_forgetful) *advice++ = MADV_WIPEONFORK;
  mappings_.push_back(mapping);
}

}  // namespace boxlite::freeze
