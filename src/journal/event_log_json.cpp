// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "journal/event_log.h"

namespace boxlite::journal {
namespace {

using json = nlohmann::ordered_json;  // the time first, for people

constexpr std::size_t most_attributes = 32;
constexpr std::size_t longest_value = 1024;

std::string cut(const std::string& text) {
  if (text.size() <= longest_value) return text;
  return text.substr(0, longest_value) + "...";
}

json attribute_object(const EventAttributes& attributes) {
  auto object = json::object();
  for (const auto& [key, value] : attributes) {
    if (object.size() == most_attributes) break;
    object[cut(key)] = cut(value);
  }
  return object;
}

std::string dump(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// RFC 3339 with all nine digits: programs put events of one millisecond in order.
std::string precise(Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = concat((time - seconds).count());
  auto text = to_rfc3339(seconds);
  text.resize(text.find('.'));
  return concat(text, '.', std::string(9 - fraction.size(), '0'), fraction, 'Z');
}

std::unexpected<Error> no_event(std::string_view why) {
  return fail(ErrorCode::corrupted, concat("a line of the event log is no event: ", why));
}

Result<void> read_text(const json& object, const char* field, std::string& out) {
  const auto found = object.find(field);
  if (found == object.end()) return {};
  if (!found->is_string()) return no_event(field);
  out = found->get<std::string>();
  return {};
}

}  // namespace

std::string to_line(const Event& event) {
  json object = {{"time", precise(event.time)},
                 {"type", cut(event.type)},
                 {"box", cut(event.box_id)},
                 {"name", cut(event.box_name)},
                 {"attributes", attribute_object(event.attributes)}};
  auto line = dump(object);
  if (line.size() <= longest_event_line) return line;
  object["attributes"] = {{"cut", "true"}};
  return dump(object);
}

Result<Event> parse_event(std::string_view line) {
  const auto object = json::parse(line, nullptr, false);
  if (!object.is_object()) return no_event("not an object");
  Event event;
  std::string time;
  BOXLITE_TRY(read_text(object, "time", time));
  BOXLITE_TRY(read_text(object, "type", event.type));
  BOXLITE_TRY(read_text(object, "box", event.box_id));
  BOXLITE_TRY(read_text(object, "name", event.box_name));
  if (event.type.empty()) return no_event("no type");
  event.time = BOXLITE_TRY(parse_rfc3339(time));
  const auto attributes = object.find("attributes");
  if (attributes == object.end()) return event;
  if (!attributes->is_object()) return no_event("attributes");
  for (const auto& [key, value] : attributes->items()) {
    if (!value.is_string()) return no_event("attributes");
    event.attributes.emplace_back(key, value.get<std::string>());
  }
  return event;
}

}  // namespace boxlite::journal
