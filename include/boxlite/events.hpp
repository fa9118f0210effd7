// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boxlite/error.hpp>

namespace boxlite {

namespace backend {
class EventReader;
}

using EventTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// Something that happened in a home. docs/reference/events.md lists the types and their attributes; more may
// come.
struct Event {
  EventTime time = {};
  std::string type = {};      // "create", "start", "exec", "die", …
  std::string box_id = {};    // empty: not about a box
  std::string box_name = {};  // of the box, or empty
  std::vector<std::pair<std::string, std::string>> attributes = {};
};

struct EventOptions {
  // Events from this time on, as far back as the home keeps them (4 to 8 MiB). Not set: only what happens
  // from now on.
  std::optional<EventTime> since = {};
  // The reader is over at this time. Not set: never.
  std::optional<EventTime> until = {};
  // Only these types; empty: all.
  std::vector<std::string> types = {};
  // Only boxes of these ids, beginnings of ids, or names, which need not exist (yet); empty: all events.
  std::vector<std::string> boxes = {};
};

// Reads and follows the events of a home: a handle, cheap to copy; copies share one position. Whatever
// process caused them, the shims included. Thread-safe, but one waits at a time.
class BOXLITE_API EventReader {
 public:
  explicit EventReader(std::shared_ptr<backend::EventReader> backend);

  // The next event that passes the filter. Nothing when `limit` passes first, or when the reader is over. A
  // limit of a year and more waits for ever.
  Result<std::optional<Event>> next(std::chrono::milliseconds limit);

  // Whether `until` has passed and every event before it has been read.
  bool is_over() const;

 private:
  std::shared_ptr<backend::EventReader> backend_;
};

}  // namespace boxlite
