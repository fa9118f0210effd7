// SPDX-License-Identifier: Apache-2.0
// A rotated file gets no more lines: writers rename it under their lock. So the end of a file that is not the
// current one any more is its end, and an open file is told from the current one by its inode, which cannot
// be used again while we hold it.
#include "journal/event_cursor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::journal {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t read_size = 64u << 10;
// Where nothing tells us of changes; also bounds what a lost notification costs.
constexpr std::chrono::milliseconds look_again = 200ms;
constexpr std::chrono::milliseconds distrust = 2s;

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

Result<EventCursor> EventCursor::open(EventLog log, Begin begin) {
  UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  EventCursor cursor(std::move(log), std::move(changes));
  if (cursor.changes_.is_open()) {
    const auto home = cursor.log_.file().parent_path();
    if (::inotify_add_watch(cursor.changes_.get(), home.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
      cursor.changes_.reset();
  }
  if (begin == Begin::now) {
    // From its first byte on: a log that begins later may have been rotated away before we look. Where the
    // home cannot be written there is no writer to wait for.
    (void)open_file(cursor.log_.file(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
    if (BOXLITE_TRY(cursor.enter(cursor.log_.file(), true)))
      cursor.offset_ = std::max<off_t>(0, ::lseek(cursor.file_.get(), 0, SEEK_END));
  } else if (!BOXLITE_TRY(cursor.enter(cursor.log_.old_file(), false))) {
    BOXLITE_TRY(cursor.enter(cursor.log_.file(), true));
  }
  return cursor;
}

Result<std::optional<Event>> EventCursor::next(const Deadline& deadline) {
  while (true) {
    if (auto event = take_event()) return event;
    if (BOXLITE_TRY(read_more()) || BOXLITE_TRY(advance())) continue;
    if (deadline.has_passed()) return std::optional<Event>();
    wait(deadline);
  }
}

std::optional<Event> EventCursor::take_event() {
  while (true) {
    const auto end = unread_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = unread_.size();
      if (unread_.size() - line_begin_ <= longest_event_line) return std::nullopt;
      line_begin_ = unread_.size();
      is_skipping_ = true;
      return std::nullopt;
    }
    const auto line = std::string_view(unread_).substr(line_begin_, end - line_begin_);
    line_begin_ = searched_ = end + 1;
    if (std::exchange(is_skipping_, false) || line.empty() || line.size() > longest_event_line) continue;
    if (auto event = parse_event(line)) return *std::move(event);
  }
}

void EventCursor::forget_unread() {
  unread_.clear();
  line_begin_ = searched_ = 0;
  is_skipping_ = false;
}

// False at the end of the file.
Result<bool> EventCursor::read_more() {
  if (!file_.is_open()) return false;
  unread_.erase(0, line_begin_);
  searched_ -= std::exchange(line_begin_, 0);
  const auto old_size = unread_.size();
  unread_.resize(old_size + read_size);
  ssize_t count;
  do count = ::pread(file_.get(), unread_.data() + old_size, read_size, offset_);
  while (count < 0 && errno == EINTR);
  unread_.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) return fail(syscall_error("read", log_.file().native(), errno));
  offset_ += count;
  return count > 0;
}

// At the end of a file: on to the one that was begun after it. False when there is none yet.
Result<bool> EventCursor::advance() {
  if (!file_.is_open()) return enter(log_.file(), true);
  struct stat mine{};
  struct stat current{};
  struct stat old{};
  if (::fstat(file_.get(), &mine) != 0) return fail(syscall_error("stat", log_.file().native(), errno));
  if (mine.st_size < offset_) {
    // Somebody emptied it.
    offset_ = 0;
    forget_unread();
    return true;
  }
  if (::stat(log_.file().c_str(), &current) != 0 || is_same_file(mine, current)) return false;
  // Lines may have come between our last read and the rotation.
  if (BOXLITE_TRY(read_more())) return true;
  // The order matters: the current file is opened first, and if the old one is then still ours, nothing lies
  // between.
  auto finished = std::move(file_);
  if (!BOXLITE_TRY(enter(log_.file(), true))) {
    file_ = std::move(finished);
    return false;
  }
  const bool is_next = ::stat(log_.old_file().c_str(), &old) != 0 || is_same_file(mine, old);
  if (!is_next) BOXLITE_TRY(enter(log_.old_file(), false));
  return true;
}

Result<bool> EventCursor::enter(const std::filesystem::path& path, bool is_current) {
  auto file = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file && file.error().code() == ErrorCode::not_found) return false;
  if (!file) return std::unexpected(std::move(file).error());
  file_ = std::move(*file);
  offset_ = 0;
  forget_unread();
  if (changes_.is_open() && file_watch_ >= 0)
    (void)::inotify_rm_watch(changes_.get(), std::exchange(file_watch_, -1));
  // Should the path mean a newer file by now, the end of this one is noticed when it is read.
  if (changes_.is_open() && is_current)
    file_watch_ = ::inotify_add_watch(changes_.get(), path.c_str(), IN_MODIFY | IN_MOVE_SELF);
  return true;
}

void EventCursor::wait(const Deadline& deadline) {
  const auto limit = Deadline::after(changes_.is_open() ? distrust : look_again);
  const int left = deadline.poll_timeout_ms();
  const int timeout = left < 0 ? limit.poll_timeout_ms() : std::min(left, limit.poll_timeout_ms());
  pollfd entry{changes_.get(), POLLIN, 0};
  if (::poll(&entry, 1, timeout) <= 0 || !changes_.is_open()) return;
  alignas(inotify_event) char buffer[4096];
  while (::read(changes_.get(), buffer, sizeof buffer) > 0) {
  }
}

}  // namespace boxlite::journal
