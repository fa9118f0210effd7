// SPDX-License-Identifier: Apache-2.0
#include "journal/event_log.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "linux/files/file_lock.h"

namespace boxlite::journal {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view lock_name = "events.lock";
// Who holds the lock holds it for microseconds, unless it was stopped just then.
constexpr std::chrono::milliseconds lock_limit = 100ms;

bool ends_in_the_middle(int fd, off_t size) {
  char last = '\n';
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

// All or nothing, as far as the disk lets us: a full one must not leave halves behind.
Result<void> write_line(int fd, off_t size, std::string_view line, const std::filesystem::path& path) {
  auto written = write_all(fd, line, path.native());
  if (!written) (void)!::ftruncate(fd, size);
  return written;
}

}  // namespace

Result<void> EventLog::append(Event event) const {
  // Without the lock (its holder is stopped) the line still goes in, whole: the kernel appends one write at a
  // time. Only the rotation needs it.
  const auto lock =
      linux_::FileLock::acquire(home_ / lock_name, linux_::LockMode::exclusive, Deadline::after(lock_limit));
  if (!lock && lock.error().code() != ErrorCode::timed_out) return std::unexpected(lock.error());
  const auto log = BOXLITE_TRY(open_file(file(), O_RDWR | O_APPEND | O_CREAT));
  struct stat status{};
  if (::fstat(log.get(), &status) != 0) return fail(syscall_error("stat", file().native(), errno));
  // Under the lock, so that times never run backwards within a file.
  event.time = now();
  auto line = to_line(event);
  if (ends_in_the_middle(log.get(), status.st_size)) line.insert(line.begin(), '\n');
  if (!lock) return write_all(log.get(), line, file().native());
  BOXLITE_TRY(write_line(log.get(), status.st_size, line, file()));
  const auto size = static_cast<std::size_t>(status.st_size) + line.size();
  if (size < file_limit_) return {};
  if (::rename(file().c_str(), old_file().c_str()) != 0)
    return fail(syscall_error("rename", file().native(), errno));
  return {};
}

}  // namespace boxlite::journal
