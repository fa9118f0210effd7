// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/saved_state.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::engine::qemu {
namespace {

constexpr int largest_pipe = 1 << 20;  // of an unprivileged process, by default

}  // namespace

Result<UniqueFd> pipe_with_state(const std::filesystem::path& file) {
  const auto state = BOXLITE_TRY(read_file(file));
  if (state.size() > largest_pipe)
    return fail(ErrorCode::corrupted,
                concat("read ", in_quotes(file.native()), ": too large for a machine's state"));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "", errno));
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  if (::fcntl(writer.get(), F_SETPIPE_SZ, largest_pipe) < 0)
    return fail(syscall_error("fcntl", "F_SETPIPE_SZ", errno));
  BOXLITE_TRY(write_all(writer.get(), state, "the pipe to QEMU"));
  return reader;
}

}  // namespace boxlite::engine::qemu
