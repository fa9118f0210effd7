// SPDX-License-Identifier: Apache-2.0
// links: box
// What a guest says on the stream of a tunnel, as raw bytes of the connection: whatever they are, the user's
// end gets no more than the guest has sent, and the host keeps no more than the credit allows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <sys/socket.h>

#include "agentlink/connection.h"
#include "agentlink/tunnel_pump.h"
#include "linux/sockets/unix_socket.h"
#include "turn.h"

using namespace boxlite;
using fuzz::turn;

namespace {

std::size_t take(int fd) {
  char buffer[4096];
  std::size_t total = 0;
  while (true) {
    const auto count = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count <= 0) return total;
    total += static_cast<std::size_t>(count);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loop = std::shared_ptr<linux_::EventLoop>(*linux_::EventLoop::create());
  auto link = *linux_::unix_socket_pair();
  auto user = *linux_::unix_socket_pair();
  if (!linux_::set_non_blocking(user.second.get())) std::abort();
  auto connection = *agentlink::Connection::adopt(*loop, std::move(link.first));
  {
    auto pump = std::make_shared<agentlink::TunnelPump>(*loop, loop, std::move(user.second),
                                                        *connection->open<wire::TunnelsConnect>({}));
    pump->start();
  }
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t received = 0;
  // The first byte says where the user comes in.
  const std::size_t cut = size == 0 ? 0 : data[0];
  for (std::size_t round = 0; !bytes.empty(); ++round) {
    const auto count = ::send(link.second.get(), bytes.data(), std::min<std::size_t>(bytes.size(), 1000),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    if (round == cut % 8) (void)::send(user.first.get(), "user", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (round == cut % 16) ::shutdown(user.first.get(), SHUT_WR);
    turn(*loop);
    received += take(user.first.get());
  }
  if (received > size) std::abort();
  if (cut >= 128) user.first.reset();
  turn(*loop);
  connection.reset();
  turn(*loop);
  return 0;
}
