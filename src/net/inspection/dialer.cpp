// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/dialer.h"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace boxlite::net {

Result<UniqueFd> TcpDialer::dial(const netpolicy::Flow& flow) {
  sockaddr_storage address{};
  const auto size = flow.destination.to_sockaddr(flow.port, address);
  UniqueFd socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail(syscall_error("socket", "", errno));
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A server that vanished is noticed one day.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
      errno != EINPROGRESS) {
    return fail(syscall_error("connect", flow.destination.str(), errno));
  }
  return socket;
}

}  // namespace boxlite::net
