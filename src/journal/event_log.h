// SPDX-License-Identifier: Apache-2.0
// What happened in a home, for whoever watches: events.jsonl, one JSON object a line, and events.jsonl.1, the
// file before. The library and every shim append to it. It is no record that anything relies on: a lost line
// is a lost sight, nothing more. So appending never waits long, and callers go on when it fails.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boxlite/events.hpp>

#include "base/result.h"

namespace boxlite::journal {

// Names of Event::type. docs/reference/events.md says when each is written and with which attributes.
namespace event_type {
inline constexpr std::string_view create = "create";
inline constexpr std::string_view start = "start";  // somebody wants it to run
inline constexpr std::string_view ready = "ready";  // commands can run
inline constexpr std::string_view exec = "exec";
inline constexpr std::string_view exec_die = "exec_die";
inline constexpr std::string_view die = "die";    // the machine is gone
inline constexpr std::string_view stop = "stop";  // after somebody asked for it
inline constexpr std::string_view restart = "restart";
inline constexpr std::string_view pause = "pause";
inline constexpr std::string_view unpause = "unpause";
inline constexpr std::string_view health = "health";
inline constexpr std::string_view oom = "oom";
inline constexpr std::string_view disk_error = "disk_error";
inline constexpr std::string_view remove = "remove";
inline constexpr std::string_view rename = "rename";
inline constexpr std::string_view image_pull = "image_pull";
inline constexpr std::string_view image_load = "image_load";
inline constexpr std::string_view image_remove = "image_remove";
inline constexpr std::string_view volume_create = "volume_create";
inline constexpr std::string_view volume_remove = "volume_remove";
}  // namespace event_type

using EventAttributes = std::vector<std::pair<std::string, std::string>>;

// A file larger than this becomes the old one.
inline constexpr std::size_t event_file_limit = 4u << 20;
// No line is longer. Longer values are cut when written (1 KiB each); readers skip what is longer all the
// same.
inline constexpr std::size_t longest_event_line = 32u << 10;

inline constexpr std::string_view event_file_name = "events.jsonl";
inline constexpr std::string_view old_event_file_name = "events.jsonl.1";

// Appends. A value; any number of them, in any number of processes and threads, may write to one home at
// once. A writer that is killed in the middle of a line costs that line.
class EventLog {
 public:
  explicit EventLog(std::filesystem::path home, std::size_t file_limit = event_file_limit)
      : home_(std::move(home)), file_limit_(file_limit) {}

  // Sets the time. Takes tens of microseconds; at most a tenth of a second when another writer is stopped in
  // the middle. The errors are those of the file system.
  Result<void> append(Event event) const;

  std::filesystem::path file() const { return home_ / event_file_name; }
  std::filesystem::path old_file() const { return home_ / old_event_file_name; }

 private:
  std::filesystem::path home_;
  std::size_t file_limit_;
};

// One line, with its newline. What is not UTF-8 is replaced.
std::string to_line(const Event& event);
// corrupted unless it is an event. Unknown fields are ignored.
Result<Event> parse_event(std::string_view line);

}  // namespace boxlite::journal
