// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace boxlite::linux_ {

struct PortHolder {
  pid_t pid = 0;
  std::string program = {};  // its name, from /proc/PID/comm
};

// Which process has a socket bound to a port, at any address; TCP: listens. Nothing when it is not visible to
// us: another user's, a box's (whose shim hides itself), or gone already. Reads all of /proc, so only for
// error messages.
std::optional<PortHolder> find_port_holder(std::uint16_t port, bool is_udp);

}  // namespace boxlite::linux_
