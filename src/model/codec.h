// SPDX-License-Identifier: Apache-2.0
// Public values as JSON and back, by their descriptions (fields/*.h): what homes keep, what the command line
// prints and what goes over wires. All keys are snake_case. Included by *_json.cpp only.
#pragma once

#include <string_view>

#include "model/json_reader.h"
#include "model/json_writer.h"

namespace boxlite::model {

template <typename Value>
Json encode(const Value& value) {
  return JsonWriter(TextForm::exact).json(value);
}

// For people and scripts: dump() it with error_handler_t::replace.
template <typename Value>
Json encode_shown(const Value& value) {
  return JsonWriter(TextForm::shown).json(value);
}

// corrupted when something has another type than described; what is missing has its default, what is unknown
// is ignored: an older or newer version has written it.
template <typename Value>
Result<Value> decode(const Json& json) {
  Value value;
  BOXLITE_TRY(JsonReader::read(json, value));
  return value;
}

template <typename Value>
Result<Value> decode_text(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(ErrorCode::corrupted, "not valid JSON");
  return decode<Value>(json);
}

}  // namespace boxlite::model
