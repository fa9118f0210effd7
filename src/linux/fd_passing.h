// SPDX-License-Identifier: Apache-2.0
// Descriptors that travel through Unix sockets (SCM_RIGHTS, unix(7)).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// The bytes, of which there must be some, and with the first of them a copy of `fd`. Does not wait: the
// socket must have room. How many bytes it took; unavailable when it has no room, or nobody reads.
Result<std::size_t> send_with_fd(int socket_fd, std::string_view bytes, int fd);

struct ReceivedPart {
  std::string bytes = {};  // none: the other end has closed
  UniqueFd fd = {};        // close-on-exec; not open when none came
};
// What is there now; unavailable when nothing is. Of several descriptors the first counts.
Result<ReceivedPart> receive_with_fd(int socket_fd);

}  // namespace boxlite::linux_
