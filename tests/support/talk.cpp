// SPDX-License-Identifier: Apache-2.0
#include "support/talk.h"

#include <array>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/unique_fd.h"

namespace boxlite::test {
namespace {

// Connected to a port of the loopback; not open when nobody is there.
UniqueFd connected(int type, std::uint16_t port, const timeval& patience) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_there = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return is_there ? std::move(socket) : UniqueFd();
}

}  // namespace

std::optional<std::string> tcp_talk(std::uint16_t port, std::string_view first) {
  const auto socket = connected(SOCK_STREAM, port, {5, 0});
  if (!socket.is_open()) return std::nullopt;
  if (!first.empty()) (void)::send(socket.get(), first.data(), first.size(), MSG_NOSIGNAL);
  std::string said;
  std::array<char, 4096> buffer;
  while (true) {
    const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return said;
    said.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace boxlite::test
