// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "netpolicy/address.h"

namespace boxlite::net {

// A small text file of the host that others change while we run. One thread.
class HostFile {
 public:
  explicit HostFile(std::filesystem::path path) : path_(std::move(path)) {}

  // Its text when it is not the one of the last call; a file that cannot be read is empty.
  std::optional<std::string> changed_text();

 private:
  std::filesystem::path path_;
  std::optional<struct stat> seen_;
};

struct NameServer {
  netpolicy::IpAddress address = {};
  std::uint16_t port = 53;

  auto operator<=>(const NameServer&) const = default;
};
// Of resolv.conf(5), at most three; none: the host itself, as for every program there. Addresses with a zone
// are left out.
std::vector<NameServer> parse_name_servers(std::string_view text);

using HostAddresses = std::map<std::string, std::vector<netpolicy::IpAddress>, std::less<>>;
// Of hosts(5), by normal name.
HostAddresses parse_hosts(std::string_view text);

}  // namespace boxlite::net
