// SPDX-License-Identifier: Apache-2.0
// Stream sockets with a name in the file system. Paths may be longer than the 108 bytes of sockaddr_un: the
// directory is opened first and the socket is reached as /proc/self/fd/N/name.
#pragma once

#include <filesystem>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// A listening socket at `path`, readable and writable by this user only. What a killed process left there is
// replaced, so the caller must hold whatever lock says that the path is its own. Close-on-exec, non-blocking.
Result<UniqueFd> listen_unix(const std::filesystem::path& path, int backlog = 128);

// unavailable when nobody listens, not_found when there is no socket. Close-on-exec, non-blocking.
Result<UniqueFd> connect_unix(const std::filesystem::path& path, Deadline deadline);

// One connection off a listening socket; unavailable when none is waiting. Close-on-exec, non-blocking.
Result<UniqueFd> accept_unix(int listener_fd);

struct SocketPair {
  UniqueFd first;
  UniqueFd second;
};
// Two connected ends. Close-on-exec; blocking, as a child expects its descriptors.
Result<SocketPair> unix_socket_pair();

struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
// Who connected, as the kernel saw it at that moment.
Result<PeerCredentials> peer_credentials(int socket_fd);

Result<void> set_non_blocking(int fd);

}  // namespace boxlite::linux_
