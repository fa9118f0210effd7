// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/port_holder.h"

#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view tcp_listen_state = "0A";

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  while (true) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return result;
    line.remove_prefix(begin);
    const auto end = std::min(line.find(' '), line.size());
    result.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// The sockets of a table such as /proc/net/tcp: "sl local:port remote:port state … inode".
void collect(const char* table, std::uint16_t port, bool is_udp, std::set<std::string>& sockets) {
  const auto text = read_file(table);
  if (!text) return;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto fields = words(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (fields.size() < 10 || fields[1].size() < 5) continue;
    const auto digits = fields[1].substr(fields[1].size() - 4);
    std::uint16_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (number != port || (!is_udp && fields[3] != tcp_listen_state)) continue;
    sockets.insert(concat("socket:[", fields[9], "]"));
  }
}

bool has_one_of(const fs::path& process, const std::set<std::string>& sockets) {
  for (const auto& entry : entries_of(process / "fd")) {
    std::error_code ignored;
    const auto target = fs::read_symlink(entry, ignored);
    if (!ignored && sockets.contains(target.native())) return true;
  }
  return false;
}

}  // namespace

std::optional<PortHolder> find_port_holder(std::uint16_t port, bool is_udp) {
  std::set<std::string> sockets;
  collect(is_udp ? "/proc/net/udp" : "/proc/net/tcp", port, is_udp, sockets);
  collect(is_udp ? "/proc/net/udp6" : "/proc/net/tcp6", port, is_udp, sockets);
  if (sockets.empty()) return std::nullopt;
  for (const auto& entry : entries_of("/proc")) {
    const auto name = entry.filename().native();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    if (!has_one_of(entry, sockets)) continue;
    auto program = read_file(entry / "comm");
    if (program && program->ends_with('\n')) program->pop_back();
    return PortHolder{pid, program ? *program : std::string()};
  }
  return std::nullopt;
}

}  // namespace boxlite::linux_
