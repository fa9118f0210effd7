// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/audit_reader.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::netpolicy {
namespace {

constexpr std::size_t read_size = 64u << 10;

bool is_same_file(int fd, const std::filesystem::path& path) {
  struct stat mine{};
  struct stat other{};
  return ::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &other) == 0 && mine.st_dev == other.st_dev &&
         mine.st_ino == other.st_ino;
}

}  // namespace

std::optional<AuditRecord> AuditReader::next() {
  while (true) {
    if (auto record = take_record()) return record;
    if (!read_more() && !advance()) return std::nullopt;
  }
}

std::optional<AuditRecord> AuditReader::take_record() {
  std::size_t begin = 0;
  std::optional<AuditRecord> record;
  while (!record) {
    const auto end = unread_.find('\n', begin);
    if (end == std::string::npos) break;
    const auto line = std::string_view(unread_).substr(begin, end - begin);
    begin = end + 1;
    if (std::exchange(is_skipping_, false) || line.size() > longest_audit_line) continue;
    if (auto parsed = parse_audit_record(line)) record = *std::move(parsed);
  }
  unread_.erase(0, begin);
  if (!record && unread_.size() > longest_audit_line) {
    unread_.clear();
    is_skipping_ = true;
  }
  return record;
}

bool AuditReader::read_more() {
  if (!file_.is_open()) return false;
  const auto old_size = unread_.size();
  unread_.resize(old_size + read_size);
  const auto count = ::pread(file_.get(), unread_.data() + old_size, read_size, offset_);
  unread_.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  offset_ += std::max<ssize_t>(count, 0);
  return count > 0;
}

// At the end of a file: on to the one that was begun after it. The old file gets no more lines.
bool AuditReader::advance() {
  if (!file_.is_open()) return enter(old_audit_file(path_)) || enter(path_);
  if (is_same_file(file_.get(), path_)) return false;
  // Lines may have come between our last read and the rotation.
  if (read_more()) return true;
  const bool was_old = is_same_file(file_.get(), old_audit_file(path_));
  return was_old ? enter(path_) : enter(old_audit_file(path_)) || enter(path_);
}

bool AuditReader::enter(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return false;
  file_ = *std::move(file);
  offset_ = 0;
  unread_.clear();
  is_skipping_ = false;
  return true;
}

}  // namespace boxlite::netpolicy
