// SPDX-License-Identifier: Apache-2.0
// Descriptors that travel through Unix sockets (SCM_RIGHTS, unix(7)).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

inline constexpr std::size_t most_fds = 4;
enum class WhenFull { wait, give_up };

// The bytes, of which there must be some, and with the first of them copies of `fds`, at most four. How many
// bytes the socket took; unavailable when the other end has closed, or there is no room and `when_full` is to
// give up.
Result<std::size_t> send_with_fds(int socket_fd, std::string_view bytes, std::span<const int> fds,
                                  WhenFull when_full);

struct ReceivedPart {
  std::string bytes = {};  // none: the other end has closed
  UniqueFd fd = {};        // close-on-exec; not open when none came
};
// What is there now; unavailable when nothing is. Of several descriptors the first counts.
Result<ReceivedPart> receive_with_fd(int socket_fd);

}  // namespace boxlite::linux_
