// SPDX-License-Identifier: Apache-2.0
#include "shim/session/file_limit.h"

#include <algorithm>

#include <sys/resource.h>

#include "net/gateway.h"

namespace boxlite::shim {
namespace {

constexpr rlim_t wanted_files = 10'240;
// Clients, logs, the machine, questions of DNS.
constexpr std::size_t other_files = 512;
constexpr std::size_t fewest_sockets = 64;

}  // namespace

void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted_files) return;
  files.rlim_cur = std::min(files.rlim_max, wanted_files);
  // Without: fewer sockets.
  (void)::setrlimit(RLIMIT_NOFILE, &files);
}

std::size_t socket_limit(std::size_t open_files) {
  const auto rest = open_files - std::min(open_files, other_files);
  return std::clamp(rest / 3, fewest_sockets, net::GatewayBounds().sockets);
}

std::size_t socket_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return fewest_sockets;
  return socket_limit(files.rlim_cur);
}

}  // namespace boxlite::shim
