// SPDX-License-Identifier: Apache-2.0
#include "linux/process/process_usage.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

constexpr std::size_t longest_file = 64u << 10;

std::uint64_t number_after_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? number : 0;
}

// Fields 14 and 15 of proc(5), counted behind the name, which may hold anything.
std::uint64_t cpu_ticks(std::string_view stat) {
  stat.remove_prefix(std::min(stat.rfind(')'), stat.size()));
  for (int field = 2; field < 14; ++field) {
    const auto space = stat.find(' ');
    if (space == std::string_view::npos) return 0;
    stat.remove_prefix(space + 1);
  }
  const auto system = std::min(stat.find(' '), stat.size());
  return number_after_blanks(stat) + number_after_blanks(stat.substr(system));
}

std::uint64_t kilobytes(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  return at == std::string_view::npos ? 0 : number_after_blanks(text.substr(at + key.size())) * 1024;
}

}  // namespace

Result<ProcessUsage> process_usage(pid_t pid) {
  const auto directory = concat("/proc/", pid);
  ProcessUsage usage;
  const auto stat = BOXLITE_TRY(read_file(directory + "/stat", longest_file));
  const auto ticks = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  const auto nanoseconds = cpu_ticks(stat) * (1'000'000'000u / ticks);
  usage.cpu = std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  if (const auto memory = read_file(directory + "/smaps_rollup", longest_file)) {
    usage.rss_bytes = kilobytes(*memory, "\nRss:");
    usage.pss_bytes = kilobytes(*memory, "\nPss:");
  }
  return usage;
}

}  // namespace boxlite::linux_
