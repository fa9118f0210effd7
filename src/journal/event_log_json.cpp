// SPDX-License-Identifier: Apache-2.0
#include "base/concat.h"
#include "journal/event_log.h"
#include "model/codec.h"
#include "model/fields/event.h"

namespace boxlite::journal {
namespace {

using model::Json;

constexpr std::size_t most_attributes = 32;
constexpr std::size_t longest_value = 1024;

void cut(std::string& text) {
  if (text.size() > longest_value) text.replace(longest_value, std::string::npos, "...");
}

Event within_limits(Event event) {
  cut(event.type);
  cut(event.box_id);
  cut(event.box_name);
  if (event.attributes.size() > most_attributes) event.attributes.resize(most_attributes);
  for (auto& [key, value] : event.attributes) {
    cut(key);
    cut(value);
  }
  return event;
}

std::string dump(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_line(const Event& event) {
  auto object = model::encode_shown(within_limits(event));
  auto line = dump(object);
  if (line.size() <= longest_event_line) return line;
  object["attributes"] = {{"cut", "true"}};
  return dump(object);
}

Result<Event> parse_event(std::string_view line) {
  auto event = BOXLITE_TRY_CONTEXT("a line of the event log", model::decode_text<Event>(line));
  if (event.type.empty() || event.time == TimePoint())
    return fail(ErrorCode::corrupted, "a line of the event log: an event without a type or a time");
  return event;
}

}  // namespace boxlite::journal
