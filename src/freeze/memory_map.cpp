// SPDX-License-Identifier: Apache-2.0
#include "freeze/memory_map.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::freeze {
namespace {

std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

bool parse_number(std::string_view text, int base, std::uint64_t& value) {
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && stop == end;
}

// "7f00-7f01 rw-p 00000000 fe:00 1234   /path"
std::optional<Area> parse_area(std::string_view line) {
  Area area;
  const auto range = next_word(line);
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || !parse_number(range.substr(0, dash), 16, area.start) ||
      !parse_number(range.substr(dash + 1), 16, area.end) || area.end < area.start)
    return std::nullopt;
  const auto rights = next_word(line);
  if (rights.size() != 4) return std::nullopt;
  if (rights[0] == 'r') area.protection |= PROT_READ;
  if (rights[1] == 'w') area.protection |= PROT_WRITE;
  if (rights[2] == 'x') area.protection |= PROT_EXEC;
  area.is_shared = rights[3] == 's';
  if (!parse_number(next_word(line), 16, area.offset)) return std::nullopt;
  next_word(line);  // the device
  if (!parse_number(next_word(line), 10, area.inode)) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  area.name = line;
  return area;
}

// "Rss:  12 kB"; an area's line has no colon before its first space.
bool is_detail(std::string_view line) {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && colon < line.find(' ');
}

// "VmFlags: rd wr mr": two letters each.
void add_flags(std::string_view line, Area& area) {
  const auto has = [&](std::string_view flag) { return line.find(flag) != std::string_view::npos; };
  area.wants_huge_pages = has(" hg");
  area.is_left_out_of_cores = has(" dd");
  area.is_left_out_of_forks = has(" dc");
  area.is_forgetful = has(" wf") || has(" dp");
  area.is_locked = has(" lo") || has(" ss");
}

}  // namespace

Result<std::vector<Area>> parse_areas(std::string_view smaps) {
  std::vector<Area> areas;
  while (!smaps.empty()) {
    const auto line = smaps.substr(0, smaps.find('\n'));
    smaps.remove_prefix(std::min(line.size() + 1, smaps.size()));
    if (!is_detail(line)) {
      auto area = parse_area(line);
      if (!area) return fail(ErrorCode::invalid_argument, concat("memory map: line ", in_quotes(line)));
      areas.push_back(*std::move(area));
    } else if (line.starts_with("VmFlags:") && !areas.empty()) {
      add_flags(line, areas.back());
    }
  }
  return areas;
}

Result<std::vector<Area>> areas_of(pid_t pid) {
  return parse_areas(BOXLITE_TRY(read_file(concat("/proc/", pid, "/smaps"))));
}

Result<void> for_each_own_run(
    pid_t pid, const Area& area,
    const std::function<Result<void>(std::uint64_t start, std::uint64_t end)>& visit) {
  // One entry for each page: bit 63 it is in memory, 62 it is swapped out, 61 it is a file's.
  constexpr std::uint64_t in_memory = 1ull << 63, swapped = 1ull << 62, of_file = 1ull << 61;
  const auto path = concat("/proc/", pid, "/pagemap");
  const auto file = BOXLITE_TRY(open_file(path, O_RDONLY));
  std::vector<std::uint64_t> entries(64u << 10);
  std::uint64_t run = 0;  // where it began; 0: none
  for (auto at = area.start; at < area.end;) {
    const auto wanted = std::min<std::uint64_t>(entries.size(), (area.end - at) / page_bytes);
    const auto count = ::pread(file.get(), entries.data(), wanted * sizeof(std::uint64_t),
                               static_cast<off_t>(at / page_bytes * sizeof(std::uint64_t)));
    if (count <= 0) return fail(syscall_error("read", path, count < 0 ? errno : EIO));
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) / sizeof(std::uint64_t); ++i) {
      const bool is_own = (entries[i] & (in_memory | swapped)) != 0 && (entries[i] & of_file) == 0;
      if (is_own && run == 0) run = at;
      if (!is_own && run != 0) BOXLITE_TRY(visit(std::exchange(run, 0), at));
      at += page_bytes;
    }
  }
  if (run != 0) BOXLITE_TRY(visit(run, area.end));
  return {};
}

}  // namespace boxlite::freeze
