// SPDX-License-Identifier: Apache-2.0
// JSON as it is printed: bytes that are not UTF-8 become U+FFFD. Included by *_json.cpp only.
#pragma once

#include <string>
#include <vector>

#include "model/codec.h"

namespace boxlite::cli {

using model::AsObject;
using model::Json;  // keeps the order in which members are set
using model::OrNull;

template <typename Value>
Json shown(const Value& value) {
  return model::encode_shown(value);
}

inline std::string json_document(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Without its newline.
inline std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Value>
Json json_list(const std::vector<Value>& values, Json (*convert)(const Value&)) {
  auto list = Json::array();
  for (const auto& value : values) list.push_back(convert(value));
  return list;
}

}  // namespace boxlite::cli
