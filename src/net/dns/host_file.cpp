// SPDX-License-Identifier: Apache-2.0
#include "net/dns/host_file.h"

#include "base/files.h"
#include "netpolicy/rule.h"

namespace boxlite::net {
namespace {

constexpr std::size_t most_bytes = 4u << 20;  // some block lists are megabytes of names
constexpr std::size_t most_name_servers = 3;
constexpr std::string_view blanks = " \t\r";

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line.substr(0, line.find('#'));
}

// Empty: the line has no more.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(blanks)));
  const auto word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

std::optional<std::string> HostFile::changed_text() {
  struct stat status{};
  if (::stat(path_.c_str(), &status) != 0) status = {};
  if (seen_ && is_same(*seen_, status)) return std::nullopt;
  seen_ = status;
  return read_file(path_, most_bytes).value_or(std::string());
}

std::vector<NameServer> parse_name_servers(std::string_view text) {
  std::vector<NameServer> servers;
  while (!text.empty() && servers.size() < most_name_servers) {
    auto line = take_line(text);
    line = line.substr(0, line.find(';'));
    if (take_word(line) != "nameserver") continue;
    if (const auto address = netpolicy::IpAddress::parse(take_word(line)))
      servers.push_back({.address = *address});
  }
  if (servers.empty()) servers.push_back({.address = netpolicy::IpAddress::v4(0x7f000001)});
  return servers;
}

HostAddresses parse_hosts(std::string_view text) {
  HostAddresses hosts;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto address = netpolicy::IpAddress::parse(take_word(line));
    if (!address) continue;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
      if (netpolicy::is_host_name(word)) hosts[netpolicy::normal_name(word)].push_back(*address);
    }
  }
  return hosts;
}

}  // namespace boxlite::net
