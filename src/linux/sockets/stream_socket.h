// SPDX-License-Identifier: Apache-2.0
// How connected stream sockets end, whatever their family.
#pragma once

namespace boxlite::linux_ {

// Neither side sends any more, or the other end is gone: more than the end of what it sends.
bool is_hung_up(int socket_fd);

// Closing it tells the other end of a TCP connection that it broke, instead of that it is complete. Of no
// effect on other sockets.
void reset_when_closed(int socket_fd);

}  // namespace boxlite::linux_
