// SPDX-License-Identifier: Apache-2.0
#include "support/leftovers.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace boxlite::test {

namespace {

namespace fs = std::filesystem;

// Empty for a process that ends while we look at it; a stream would throw.
std::string content(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string bytes;
  char buffer[4096];
  ssize_t count = 0;
  while (file >= 0 && (count = ::read(file, buffer, sizeof buffer)) > 0)
    bytes.append(buffer, static_cast<std::size_t>(count));
  if (file >= 0) ::close(file);
  return bytes;
}

std::optional<pid_t> pid_of(const fs::path& directory) {
  const auto name = directory.filename().string();
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

bool links_into(const fs::path& link, const std::string& home) {
  std::error_code error;
  return fs::read_symlink(link, error).string().starts_with(home);
}

bool has_open_file_in(const fs::path& process, const std::string& home) {
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    if (links_into(entry->path(), home)) return true;
  }
  return false;
}

bool belongs(const fs::path& process, const std::string& home) {
  return content(process / "cmdline").find(home) != std::string::npos ||
         content(process / "environ").find(home) != std::string::npos || links_into(process / "cwd", home) ||
         has_open_file_in(process, home);
}

bool is_zombie(const fs::path& process) {
  const auto stat = content(process / "stat");
  const auto state = stat.rfind(") ");
  return state == std::string::npos || stat[state + 2] == 'Z';
}

}  // namespace

std::vector<Leftover> processes_of(const fs::path& home) {
  std::vector<Leftover> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = pid_of(entry->path());
    if (!pid || *pid == ::getpid() || is_zombie(entry->path())) continue;
    if (!belongs(entry->path(), home.string())) continue;
    auto command = content(entry->path() / "cmdline");
    std::ranges::replace(command, '\0', ' ');
    found.push_back({*pid, command.substr(0, 200)});
  }
  return found;
}

std::vector<Leftover> wait_until_gone(const fs::path& home, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto left = processes_of(home);
    if (left.empty() || std::chrono::steady_clock::now() >= deadline) return left;
    ::poll(nullptr, 0, 20);
  }
}

void kill_processes_of(const fs::path& home) {
  for (const auto& process : processes_of(home)) ::kill(process.pid, SIGKILL);
}

}  // namespace boxlite::test
