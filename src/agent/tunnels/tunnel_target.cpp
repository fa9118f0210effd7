// SPDX-License-Identifier: Apache-2.0
#include "agent/tunnels/tunnel_target.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/concat.h"
#include "linux/files/mounts.h"
#include "linux/sockets/stream_socket.h"

namespace boxlite::agent {
namespace {

constexpr std::uint32_t highest_port = 65535;

Result<UniqueFd> new_socket(int family) {
  UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail(syscall_error("socket", "", errno));
  return socket;
}

template <typename Address>
int connect_errno(int socket_fd, const Address& address) {
  while (::connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

bool is_absolute_path(std::string_view path) {
  return path.starts_with('/') && path.size() < PATH_MAX && path.find('\0') == std::string_view::npos;
}

}  // namespace

TunnelTarget::TunnelTarget(int port, std::string path)
    : port_(port),
      path_(std::move(path)),
      name_(port_ != 0 ? concat("port ", port_) : concat("unix socket ", in_quotes(path_))) {}

Result<TunnelTarget> TunnelTarget::create(const wire::msg::TunnelRequest& request) {
  const auto& path = request.unix_path();
  if ((request.port() == 0) == path.empty())
    return fail(ErrorCode::invalid_argument, "a tunnel leads either to a port or to a unix socket");
  if (request.port() > highest_port)
    return fail(ErrorCode::invalid_argument, concat("no port ", request.port(), ": the highest is 65535"));
  if (!path.empty() && !is_absolute_path(path))
    return fail(ErrorCode::invalid_argument, "the path of the unix socket is not an absolute path");
  return TunnelTarget(static_cast<int>(request.port()), path);
}

TunnelTarget TunnelTarget::adopt(UniqueFd connection) {
  TunnelTarget target(0, "");
  target.name_ = "a program that uses a socket of the host";
  target.socket_ = std::move(connection);
  return target;
}

Result<TunnelTarget::Step> TunnelTarget::connect(int root_fd) {
  if (port_ == 0 && path_.empty()) return Step::connected;
  return port_ != 0 ? connect_to_port() : connect_to_path(root_fd);
}

Result<TunnelTarget::Step> TunnelTarget::finish(int root_fd) {
  int os_error = 0;
  socklen_t size = sizeof os_error;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &os_error, &size) != 0) os_error = errno;
  return judge(os_error, root_fd);
}

Result<TunnelTarget::Step> TunnelTarget::connect_to_port() {
  const auto port = htons(static_cast<std::uint16_t>(port_));
  auto opened = new_socket(is_second_try_ ? AF_INET6 : AF_INET);
  // A kernel without IPv6: nobody listens there.
  if (!opened) return fail(is_second_try_ ? refusal(ECONNREFUSED) : std::move(opened).error());
  socket_ = *std::move(opened);
  const int one = 1;
  (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (is_second_try_) {
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_port = port;
    address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    return judge(connect_errno(socket_.get(), address), -1);
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return judge(connect_errno(socket_.get(), address), -1);
}

// The path is resolved once, in the container's root. What was found there is connected to by its descriptor,
// so that no symlink comes in between.
Result<TunnelTarget::Step> TunnelTarget::connect_to_path(int root_fd) {
  const auto found = BOXLITE_TRY_CONTEXT(name_, linux_::open_in_root(root_fd, path_, O_PATH));
  struct stat status = {};
  if (::fstat(found.get(), &status) != 0 || !S_ISSOCK(status.st_mode))
    return fail(ErrorCode::invalid_argument, concat(name_, ": it is not a socket"));
  socket_ = BOXLITE_TRY(new_socket(AF_UNIX));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::ranges::copy(concat("/proc/self/fd/", found.get()), address.sun_path);
  return judge(connect_errno(socket_.get(), address), root_fd);
}

Result<TunnelTarget::Step> TunnelTarget::judge(int os_error, int root_fd) {
  switch (os_error) {
    case 0: return Step::connected;
    case EINPROGRESS: return Step::in_progress;
    case EAGAIN: return Step::full;
    case ECONNREFUSED:
      if (port_ == 0 || is_second_try_) break;
      is_second_try_ = true;
      return connect(root_fd);
    default: break;
  }
  // A machine without ::1 does not listen there either.
  return fail(refusal(is_second_try_ ? ECONNREFUSED : os_error));
}

Error TunnelTarget::refusal(int os_error) const {
  if (os_error != ECONNREFUSED) return syscall_error("connect", "", os_error).context(name_);
  if (port_ == 0) {
    return Error(ErrorCode::unavailable, concat(name_, ": nobody listens"), os_error)
        .with_remedy("start the service in the box: the file was left by an earlier one");
  }
  return Error(ErrorCode::unavailable, concat(name_, ": nobody listens at 127.0.0.1 or ::1 of the box"),
               os_error)
      .with_remedy("start the service in the box, or name the port of its loopback that it listens on");
}

void TunnelTarget::abort() {
  if (socket_.is_open()) linux_::reset_when_closed(socket_.get());
  socket_.reset();
}

}  // namespace boxlite::agent
