// SPDX-License-Identifier: Apache-2.0
#include "linux/files/record_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::linux_ {

RecordFile::RecordFile(std::filesystem::path path, std::size_t room_bytes)
    : path_(std::move(path)), next_path_(concat(path_.native(), ".next")), room_bytes_(room_bytes) {}

RecordFile::~RecordFile() {
  if (next_.is_open()) ::unlink(next_path_.c_str());
}

Result<void> RecordFile::take_room() {
  if (!next_.is_open()) next_ = BOXLITE_TRY(open_file(next_path_, O_WRONLY | O_CREAT | O_NOFOLLOW));
  int failed = 0;
  do {
    failed = ::fallocate(next_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(room_bytes_));
  } while (failed != 0 && errno == EINTR);
  if (failed == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return {};
  return fail(syscall_error("take room for", path_.native(), errno));
}

Result<void> RecordFile::replace(std::string_view content) {
  BOXLITE_TRY(write_next(content));
  return put_in_place();
}

Result<void> RecordFile::replace_durably(std::string_view content) {
  BOXLITE_TRY(write_next(content));
  if (::fsync(next_.get()) != 0) return fail(syscall_error("fsync", next_path_.native(), errno));
  BOXLITE_TRY(put_in_place());
  return fsync_directory(path_.parent_path());
}

Result<void> RecordFile::write_next(std::string_view content) {
  // Without all of it, there may be enough.
  auto taken = take_room();
  if (!next_.is_open()) return taken;
  struct stat status = {};
  if (::fstat(next_.get(), &status) != 0) return fail(syscall_error("stat", next_path_.native(), errno));
  std::string padded(content);
  padded.resize(std::max(content.size(), static_cast<std::size_t>(status.st_size)), '\n');
  if (::lseek(next_.get(), 0, SEEK_SET) != 0) return fail(syscall_error("seek", next_path_.native(), errno));
  return write_all(next_.get(), padded, next_path_.native());
}

// What was in place gives its room to what comes next.
Result<void> RecordFile::put_in_place() {
  const bool is_exchanged =
      ::renameat2(AT_FDCWD, next_path_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0;
  // There is none yet, or the file system cannot exchange.
  if (!is_exchanged && ::rename(next_path_.c_str(), path_.c_str()) != 0)
    return fail(syscall_error("rename to", path_.native(), errno));
  next_.reset();
  (void)take_room();
  return {};
}

}  // namespace boxlite::linux_
