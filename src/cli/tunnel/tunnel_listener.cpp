// SPDX-License-Identifier: Apache-2.0
#include "cli/tunnel/tunnel_listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace boxlite::cli {

namespace {

constexpr int backlog = 128;

std::unexpected<Ending> cannot_listen(const ListenAddress& place, std::string_view why,
                                      std::string remedy = {}) {
  return std::unexpected(
      Ending(exit_failure, fmt::format("listen on {}: {}", listen_text(place), why), std::move(remedy)));
}

std::unexpected<Ending> cannot_listen(const ListenAddress& place, int os_error) {
  return cannot_listen(place, std::strerror(os_error));
}

union AnyAddress {
  sockaddr_storage any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t fill(AnyAddress& address, const ListenAddress& place) {
  address = {};
  if (::inet_pton(AF_INET, place.address.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(place.port);
    return sizeof address.v4;
  }
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(place.port);
  ::inet_pton(AF_INET6, place.address.c_str(), &address.v6.sin6_addr);
  return sizeof address.v6;
}

// Whether the file is a socket that a program which has ended left behind.
bool is_abandoned(const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

Parsed<TunnelListener> TunnelListener::open(const ListenAddress& place) {
  return place.unix_path.empty() ? open_port(place) : open_path(place);
}

Parsed<TunnelListener> TunnelListener::open_port(const ListenAddress& place) {
  AnyAddress address;
  auto size = fill(address, place);
  Descriptor socket(::socket(address.any.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  auto* const generic = reinterpret_cast<sockaddr*>(&address.any);
  if (socket.get() < 0 || ::bind(socket.get(), generic, size) != 0 || ::listen(socket.get(), backlog) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    return cannot_listen(place, errno);
  }
  auto bound = place;
  bound.port = ntohs(address.any.ss_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
  return TunnelListener(std::move(bound), std::move(socket));
}

Parsed<TunnelListener> TunnelListener::open_path(const ListenAddress& place) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (place.unix_path.size() >= sizeof address.sun_path) {
    return cannot_listen(place, fmt::format("the path is longer than {} bytes", sizeof address.sun_path - 1),
                         "choose a shorter one, such as one in /tmp");
  }
  std::ranges::copy(place.unix_path, address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Before bind, so that there is no moment at which another user could connect.
  if (socket.get() < 0 || ::fchmod(socket.get(), 0600) != 0) return cannot_listen(place, errno);
  if (is_abandoned(address)) ::unlink(address.sun_path);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.get(), generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) return cannot_listen(place, errno);
    return cannot_listen(place, "the file exists", "choose another path, or remove the file");
  }
  struct stat status{};
  if (::lstat(address.sun_path, &status) != 0) return cannot_listen(place, errno);
  TunnelListener listener(place, std::move(socket));
  listener.file_ = std::pair(status.st_dev, status.st_ino);
  if (::listen(listener.fd(), backlog) != 0) return cannot_listen(place, errno);
  return listener;
}

TunnelListener::~TunnelListener() {
  struct stat status{};
  // Not a file that somebody else has put there meanwhile; nor by an object that was moved from.
  if (socket_.get() < 0 || !file_ || ::lstat(place_.unix_path.c_str(), &status) != 0) return;
  if (std::pair(status.st_dev, status.st_ino) == *file_) ::unlink(place_.unix_path.c_str());
}

Parsed<Descriptor> TunnelListener::accept() const {
  Descriptor connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (connection.get() < 0) {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return connection;
    return std::unexpected(Ending(exit_failure, fmt::format("accept a connection on {}: {}",
                                                            listen_text(place_), std::strerror(errno))));
  }
  const int one = 1;
  if (place_.unix_path.empty())
    (void)::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return connection;
}

}  // namespace boxlite::cli
