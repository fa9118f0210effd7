// SPDX-License-Identifier: Apache-2.0
#include "linux/process/cgroup.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::size_t file_limit = 1u << 20;

std::optional<std::uint64_t> number_at_start(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// The value of a line "key value" of a flat keyed file; 0 when there is none.
std::uint64_t keyed_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
      return number_at_start(line.substr(key.size() + 1)).value_or(0);
    }
  }
  return 0;
}

}  // namespace

Result<Cgroup> Cgroup::open(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), directory_flags));
  if (!directory.is_open()) return fail(syscall_error("open", path, errno));
  return Cgroup(std::move(directory));
}

Result<Cgroup> Cgroup::make_child(const std::string& name) const {
  if (::mkdirat(fd(), name.c_str(), 0755) != 0) return fail(syscall_error("mkdir", name, errno));
  UniqueFd directory(::openat(fd(), name.c_str(), directory_flags));
  if (!directory.is_open()) return fail(syscall_error("open", name, errno));
  return Cgroup(std::move(directory));
}

Result<void> Cgroup::remove_child(const std::string& name) const {
  if (::unlinkat(fd(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY)
    return fail(ErrorCode::invalid_state, concat("remove cgroup ", name, ": it has processes"));
  return fail(syscall_error("rmdir", name, errno));
}

Result<std::string> Cgroup::read(const std::string& file) const {
  const UniqueFd source(::openat(fd(), file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.is_open()) return fail(syscall_error("open", file, errno));
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < file_limit) {
    const auto count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", file, errno));
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

Result<void> Cgroup::write(const std::string& file, std::string_view text) const {
  const UniqueFd target(::openat(fd(), file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!target.is_open()) return fail(syscall_error("open", file, errno));
  ssize_t count;
  do count = ::write(target.get(), text.data(), text.size());
  while (count < 0 && errno == EINTR);
  if (count < 0) return fail(syscall_error("write", file, errno));
  return {};
}

Result<void> Cgroup::enable_controllers(std::initializer_list<std::string_view> names) const {
  const auto available = BOXLITE_TRY(read("cgroup.controllers"));
  std::string wanted;
  for (const auto name : names) {
    const auto at = available.find(name);
    if (at == std::string::npos) continue;
    wanted += concat(wanted.empty() ? "+" : " +", name);
  }
  if (wanted.empty()) return {};
  return write("cgroup.subtree_control", wanted);
}

Result<void> Cgroup::kill_all() const {
  return write("cgroup.kill", "1");
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  const auto text = BOXLITE_TRY(read("cgroup.procs"));
  std::vector<pid_t> pids;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    // 0 stands for a process of another pid namespace.
    if (const auto pid = number_at_start(line); pid && *pid != 0) pids.push_back(static_cast<pid_t>(*pid));
  }
  return pids;
}

Result<bool> Cgroup::is_populated() const {
  return keyed_value(BOXLITE_TRY(read("cgroup.events")), "populated") != 0;
}

CgroupUsage Cgroup::usage() const {
  CgroupUsage usage;
  if (const auto text = read("cpu.stat")) usage.cpu_ns = keyed_value(*text, "usage_usec") * 1000;
  if (const auto text = read("memory.peak")) usage.peak_memory_bytes = number_at_start(*text).value_or(0);
  if (const auto text = read("memory.events")) usage.oom_kills = keyed_value(*text, "oom_kill");
  return usage;
}

}  // namespace boxlite::linux_
