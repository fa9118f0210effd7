// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace boxlite::cli {

void occupy_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is the one that is missing.
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  }
}

}  // namespace boxlite::cli
