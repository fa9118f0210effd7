// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {
namespace {

// An address that fits, and the directory it goes through.
struct ShortAddress {
  UniqueFd directory;
  sockaddr_un address = {};
};

Result<ShortAddress> short_address(const std::filesystem::path& path) {
  ShortAddress result;
  result.address.sun_family = AF_UNIX;
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  result.directory = BOXLITE_TRY(open_file(parent, O_PATH | O_DIRECTORY));
  const auto text = concat("/proc/self/fd/", result.directory.get(), "/", path.filename().native());
  if (text.size() >= sizeof result.address.sun_path) {
    return fail(ErrorCode::invalid_argument,
                concat("the name of the socket ", in_quotes(path.native()), " is too long"));
  }
  std::ranges::copy(text, result.address.sun_path);
  return result;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<UniqueFd> new_socket(int extra_flags) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | extra_flags, 0));
  if (!socket.is_open()) return fail(syscall_error("socket", "unix", errno));
  return socket;
}

}  // namespace

Result<UniqueFd> listen_unix(const std::filesystem::path& path, int backlog) {
  const auto at = BOXLITE_TRY(short_address(path));
  auto socket = BOXLITE_TRY(new_socket(SOCK_NONBLOCK));
  // Before bind, so that there is no moment at which another user could connect.
  if (::fchmod(socket.get(), 0600) != 0) return fail(syscall_error("fchmod", path.native(), errno));
  if (::unlinkat(at.directory.get(), path.filename().c_str(), 0) != 0 && errno != ENOENT) {
    return fail(syscall_error("unlink", path.native(), errno));
  }
  if (::bind(socket.get(), generic(at.address), sizeof at.address) != 0) {
    return fail(syscall_error("bind", path.native(), errno));
  }
  if (::listen(socket.get(), backlog) != 0) return fail(syscall_error("listen", path.native(), errno));
  return socket;
}

Result<UniqueFd> connect_unix(const std::filesystem::path& path, Deadline deadline) {
  const auto at = BOXLITE_TRY(short_address(path));
  auto socket = BOXLITE_TRY(new_socket(SOCK_NONBLOCK));
  while (::connect(socket.get(), generic(at.address), sizeof at.address) != 0) {
    const int os_error = errno;
    if (os_error == EINTR) continue;
    // A full backlog: a Unix socket has no "in progress", there is nothing to wait on but time.
    if (os_error == EAGAIN && !deadline.has_passed()) {
      const timespec pause{0, 2'000'000};
      ::nanosleep(&pause, nullptr);
      continue;
    }
    if (os_error == EAGAIN) return fail(deadline.error(concat("connect ", in_quotes(path.native()))));
    if (os_error == ECONNREFUSED) {
      return fail(Error(ErrorCode::unavailable,
                        concat("connect ", in_quotes(path.native()), ": nobody listens"), os_error));
    }
    return fail(syscall_error("connect", path.native(), os_error));
  }
  return socket;
}

Result<UniqueFd> accept_unix(int listener_fd) {
  while (true) {
    UniqueFd socket(::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.is_open()) return socket;
    const int os_error = errno;
    if (os_error == EINTR || os_error == ECONNABORTED) continue;
    if (os_error == EAGAIN) return fail(ErrorCode::unavailable, "accept: no connection is waiting");
    return fail(syscall_error("accept", "unix socket", os_error));
  }
}

Result<SocketPair> unix_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(syscall_error("socketpair", "unix", errno));
  }
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<PeerCredentials> peer_credentials(int socket_fd) {
  ucred credentials = {};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail(syscall_error("getsockopt", "SO_PEERCRED", errno));
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<void> set_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail(syscall_error("fcntl", "O_NONBLOCK", errno));
  }
  return {};
}

}  // namespace boxlite::linux_
