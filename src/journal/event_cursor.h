// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "journal/event_log.h"

namespace boxlite::journal {

// Reads the events of a home in the order they were written, the files that were rotated meanwhile included,
// and waits for more. Lines that are no events (a killed writer's, a stranger's) are skipped. Takes no lock
// and stops nobody. A reader that falls behind by two whole files misses what lay between. One thread at a
// time.
class EventCursor {
 public:
  enum class Begin { oldest, now };

  // A home in which nothing has happened yet is fine.
  static Result<EventCursor> open(EventLog log, Begin begin);

  // The next event, or nothing when the deadline passes first.
  Result<std::optional<Event>> next(const Deadline& deadline);

 private:
  EventCursor(EventLog log, UniqueFd changes) : log_(std::move(log)), changes_(std::move(changes)) {}

  std::optional<Event> take_event();
  Result<bool> read_more();
  Result<bool> advance();
  Result<bool> enter(const std::filesystem::path& path, bool is_current);
  void forget_unread();
  void wait(const Deadline& deadline);

  EventLog log_;
  UniqueFd changes_;  // inotify; not open where the host has none left, then it looks every now and then
  int file_watch_ = -1;
  UniqueFd file_;
  off_t offset_ = 0;
  std::string unread_;          // bytes of `file_`
  std::size_t line_begin_ = 0;  // in `unread_`: of the first line that was not taken yet
  std::size_t searched_ = 0;    // in `unread_`: no newline between the line's begin and here
  bool is_skipping_ = false;    // in the middle of a line that is too long
};

}  // namespace boxlite::journal
