// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

namespace backend {
class EventReader;
}

// Something that happened in a home. docs/reference/events.md lists the types and their attributes; more may
// come.
struct Event {
  TimePoint time = {};
  std::string type = {};      // "create", "start", "exec", "die", …
  std::string box_id = {};    // empty: not about a box
  std::string box_name = {};  // of the box, or empty
  std::vector<std::pair<std::string, std::string>> attributes = {};
  bool operator==(const Event&) const = default;
};

struct EventOptions {
  // Events from this time on, as far back as the home keeps them (4 to 8 MiB). Not set: only what happens
  // from now on.
  std::optional<TimePoint> since = {};
  // The reader is over at this time. Not set: never.
  std::optional<TimePoint> until = {};
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

  // The next event that passes the filter; nullopt once `until` has passed and every event before it has been
  // read. Blocks. One that ended early goes on with the next call.
  Result<std::optional<Event>> next(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::EventReader> backend_;
};

}  // namespace boxlite
