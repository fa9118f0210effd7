// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/stream_socket.h"

#include <poll.h>
#include <sys/socket.h>

namespace boxlite::linux_ {

bool is_hung_up(int socket_fd) {
  pollfd state{.fd = socket_fd, .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0;
}

void reset_when_closed(int socket_fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace boxlite::linux_
