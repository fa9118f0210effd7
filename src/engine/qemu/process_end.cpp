// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/process_end.h"

#include <algorithm>
#include <csignal>

#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "freeze/process_image.h"
#include "logs/last_lines.h"

namespace boxlite::engine::qemu {
namespace {

constexpr std::size_t complaint_lines = 5;
constexpr off_t complaint_bytes = 8 << 10;

// An exit code is boxlite-thaw's only while the process may still be that.
bool is_code_of_thaw(const ProcessEnd& process, int code) {
  return process.was_thawed && process.end == linux_::ChildEnd{.exit_code = code};
}

EndReason reason_of(const ProcessEnd& process) {
  if (process.end == linux_::ChildEnd{}) return EndReason::ended;
  // Nothing of ours has killed it otherwise; the kernel does that for want of memory.
  if (process.end.signal == SIGKILL)
    return process.was_killed ? EndReason::killed : EndReason::lacks_resources;
  if (is_code_of_thaw(process, freeze::lacks_resources)) return EndReason::lacks_resources;
  if (is_code_of_thaw(process, freeze::cannot_thaw)) return EndReason::cannot_restore;
  return EndReason::failed;
}

}  // namespace

MachineEnd machine_end(const ProcessEnd& process) {
  MachineEnd end{.reason = reason_of(process), .detail = process.complaints};
  if (end.reason == EndReason::ended) return end;
  auto text = concat("QEMU ended with ", to_string(process.end));
  if (!end.detail.empty()) text += concat(": ", end.detail);
  end.detail = std::move(text);
  return end;
}

std::string complaints_in(int error_log_fd) {
  struct stat status = {};
  if (error_log_fd < 0 || ::fstat(error_log_fd, &status) != 0) return {};
  std::string text(static_cast<std::size_t>(std::min<off_t>(status.st_size, complaint_bytes)), '\0');
  const auto begin = status.st_size - static_cast<off_t>(text.size());
  const auto count = ::pread(error_log_fd, text.data(), text.size(), begin);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return logs::last_lines(text, complaint_lines);
}

}  // namespace boxlite::engine::qemu
