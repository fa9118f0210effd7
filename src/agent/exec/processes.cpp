// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/processes.h"

#include <algorithm>
#include <vector>

#include <dirent.h>
#include <unistd.h>

#include "agent/exec/proc_text.h"
#include "agent/machine/machine.h"
#include "base/concat.h"

namespace boxlite::agent {
namespace {

constexpr std::uint32_t default_limit = 1024;
constexpr std::uint32_t most_processes = 4096;
constexpr std::size_t longest_command = 4096;
// Of all command lines together: the answer is one frame of at most 1 MiB.
constexpr std::size_t most_command_bytes = 512u << 10;
constexpr std::size_t account_file_limit = 1u << 20;
constexpr std::size_t longest_user = 64;
constexpr std::uint64_t second_ns = 1'000'000'000;

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  DIR* const directory = ::opendir("/proc");
  if (directory == nullptr) return pids;
  while (const dirent* entry = ::readdir(directory)) {
    if (const auto pid = to_number(entry->d_name); pid > 1) pids.push_back(static_cast<pid_t>(pid));
  }
  ::closedir(directory);
  return pids;
}

// A process that waits for a disk or a shared folder may hold the lock that reading its memory takes.
std::string command_of(const std::string& directory, const ProcessStat& stat, std::size_t limit) {
  std::string command;
  if (stat.state != 'D' && stat.state != 'Z') command = read_proc(directory + "/cmdline", limit);
  if (command.empty()) command = concat('[', stat.name, ']');
  return command;
}

struct Scan {
  wire::msg::ProcessesResponse response;
  std::unordered_map<pid_t, std::uint32_t> pids;  // as PID 1 sees them → as the container does
  std::vector<pid_t> parents;                     // of the processes of the response
};

std::uint64_t ticks_to_ns(std::uint64_t ticks) {
  static const auto tick_ns = second_ns / static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return ticks * tick_ns;
}

void add_process(Scan& scan, const ProcessStat& stat, const ProcessPlace& place, std::uint64_t now_ns) {
  static const auto page_bytes = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
  auto& process = *scan.response.add_processes();
  process.set_pid(place.pid);
  process.set_uid(place.uid);
  process.set_state(std::string(1, stat.state));
  process.set_threads(stat.threads);
  process.set_cpu_ns(ticks_to_ns(stat.cpu_ticks));
  process.set_memory_bytes(stat.resident_pages * page_bytes);
  process.set_age_ns(now_ns - std::min(now_ns, ticks_to_ns(stat.start_ticks)));
  scan.parents.push_back(stat.parent);
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // The name may hold blanks, parentheses and newlines: it ends at the last one.
  const auto begin = text.find('(');
  const auto end = text.rfind(')');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return std::nullopt;
  ProcessStat stat;
  stat.name = text.substr(begin + 1, end - begin - 1);
  auto rest = text.substr(end + 1);
  const auto state = take_word(rest);
  if (state.empty()) return std::nullopt;
  stat.state = state.front();
  stat.parent = static_cast<pid_t>(take_number(rest));
  skip_words(rest, 9);  // group, session, terminal, its group, flags, four counts of faults
  stat.cpu_ticks = take_number(rest);
  stat.cpu_ticks += take_number(rest);
  skip_words(rest, 4);  // of its children, priority, nice
  stat.threads = static_cast<std::uint32_t>(take_number(rest));
  skip_words(rest, 1);
  stat.start_ticks = take_number(rest);
  skip_words(rest, 1);  // virtual size
  stat.resident_pages = take_number(rest);
  return stat;
}

std::optional<ProcessPlace> parse_process_status(std::string_view text) {
  ProcessPlace place;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto key = take_word(line);
    if (key == "Uid:") {
      skip_words(line, 1);
      place.uid = static_cast<std::uint32_t>(take_number(line));
    }
    if (key == "NSpid:") {
      skip_words(line, 1);
      place.pid = static_cast<std::uint32_t>(take_number(line));
    }
  }
  if (place.pid == 0) return std::nullopt;
  return place;
}

std::unordered_map<std::uint32_t, std::string> user_names(std::string_view passwd) {
  std::unordered_map<std::uint32_t, std::string> names;
  while (!passwd.empty()) {
    auto line = take_line(passwd);
    const auto take_field = [&line] {
      const auto field = line.substr(0, line.find(':'));
      line.remove_prefix(std::min(line.size(), field.size() + 1));
      return field;
    };
    const auto name = take_field();
    take_field();
    const auto uid = take_field();
    const bool is_number = !uid.empty() && uid.find_first_not_of("0123456789") == std::string_view::npos;
    if (name.empty() || name.size() > longest_user || !is_number || to_number(uid) > UINT32_MAX) continue;
    names.try_emplace(static_cast<std::uint32_t>(to_number(uid)), name);
  }
  return names;
}

wire::msg::ProcessesResponse container_processes(const Container& container,
                                                 const wire::msg::ProcessesRequest& request) {
  const auto limit =
      static_cast<int>(std::min(request.limit() == 0 ? default_limit : request.limit(), most_processes));
  const auto now_ns = boottime_ns();
  Scan scan;
  std::uint32_t total = 0;
  std::size_t command_bytes = 0;
  for (const auto pid : all_pids()) {
    const auto directory = concat("/proc/", pid);
    const auto place = parse_process_status(read_proc(directory + "/status"));
    if (!place) continue;  // gone, or ours
    ++total;
    if (scan.response.processes_size() >= limit) continue;
    const auto stat = parse_process_stat(read_proc(directory + "/stat"));
    if (!stat) continue;
    scan.pids.emplace(pid, place->pid);
    add_process(scan, *stat, *place, now_ns);
    const auto room = std::min(longest_command, most_command_bytes - command_bytes);
    auto command = command_of(directory, *stat, room);
    command_bytes = std::min(command_bytes + command.size(), most_command_bytes);
    scan.response.mutable_processes()->rbegin()->set_command(std::move(command));
  }
  const auto users = user_names(container.read_file("/etc/passwd", account_file_limit));
  for (int i = 0; i < scan.response.processes_size(); ++i) {
    auto& process = *scan.response.mutable_processes(i);
    if (const auto parent = scan.pids.find(scan.parents[static_cast<std::size_t>(i)]);
        parent != scan.pids.end())
      process.set_parent_pid(parent->second);
    if (const auto user = users.find(process.uid()); user != users.end()) process.set_user(user->second);
  }
  scan.response.set_total(total);
  return std::move(scan.response);
}

}  // namespace boxlite::agent
