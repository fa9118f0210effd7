// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/pipe.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>

namespace boxlite::cli {

Result<Pipe> make_pipe(int flags) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) {
    const int error = errno;
    return std::unexpected(
        Error(ErrorCode::resource_exhausted, fmt::format("make pipe: {}", std::strerror(error)), error));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace boxlite::cli
