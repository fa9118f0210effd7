// SPDX-License-Identifier: Apache-2.0
#include "linux/process/process_identity.h"

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

struct ProcessStat {
  char state = 0;
  std::uint64_t start_ticks = 0;
};

// Fields are counted after the last ")", since the program's own name may hold spaces and parentheses: state
// is field 3, starttime field 22 (proc(5)).
std::optional<ProcessStat> parse_stat(std::string_view line) {
  const auto name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= line.size()) return std::nullopt;
  line.remove_prefix(name_end + 2);
  ProcessStat stat;
  stat.state = line[0];
  for (int field = 3; field < 22; ++field) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    line.remove_prefix(space + 1);
  }
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), stat.start_ticks);
  if (error != std::errc()) return std::nullopt;
  return stat;
}

Result<ProcessStat> read_stat(pid_t pid) {
  auto text = read_file(concat("/proc/", pid, "/stat"), 4096);
  if (!text) {
    const auto os_error = text.error().os_error();
    if (os_error == ENOENT || os_error == ESRCH) {
      return fail(ErrorCode::not_found, concat("no process ", pid));
    }
    return std::unexpected(std::move(text).error());
  }
  const auto stat = parse_stat(*text);
  if (!stat) return fail(ErrorCode::internal, concat("parse /proc/", pid, "/stat: ", in_quotes(*text)));
  return *stat;
}

bool is_dead(const ProcessStat& stat) {
  return stat.state == 'Z' || stat.state == 'X';
}

}  // namespace

Result<ProcessIdentity> identify_process(pid_t pid) {
  const auto stat = BOXLITE_TRY(read_stat(pid));
  auto boot = BOXLITE_TRY(boot_id());
  return ProcessIdentity{pid, stat.start_ticks, std::move(boot)};
}

bool is_running(const ProcessIdentity& identity) {
  if (identity.pid <= 0) return false;
  const auto stat = read_stat(identity.pid);
  if (!stat || is_dead(*stat) || stat->start_ticks != identity.start_ticks) return false;
  const auto boot = boot_id();
  return boot && *boot == identity.boot_id;
}

Result<ProcessHandle> open_process(const ProcessIdentity& identity) {
  // Opened first, compared afterwards: what the descriptor refers to cannot change in between.
  auto pidfd = BOXLITE_TRY(ProcessHandle::open(identity.pid));
  if (!is_running(identity)) return fail(ErrorCode::not_found, concat("no process ", identity.pid));
  return pidfd;
}

Result<std::string> boot_id() {
  auto text = BOXLITE_TRY(read_file("/proc/sys/kernel/random/boot_id", 64));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace boxlite::linux_
