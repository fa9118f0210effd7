// SPDX-License-Identifier: Apache-2.0
// Reading a JSON object whose fields are all known: every mistake is named. Included by *_json.cpp only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace boxlite::json_ {

class Fields {
 public:
  // `object` is borrowed; `what` begins the messages. Something else than an object has no fields.
  Fields(const nlohmann::json& object, std::string_view what) : object_(object), what_(what) {}

  bool has(const char* key) const { return object_.is_object() && object_.contains(key); }
  Result<std::string> text(const char* key);
  Result<std::string> bytes(const char* key);  // hexadecimal
  Result<bool> flag(const char* key);
  Result<std::uint64_t> number(const char* key, std::uint64_t least, std::uint64_t most);
  Result<const nlohmann::json*> object(const char* key);
  Result<const nlohmann::json*> array(const char* key);
  // invalid_argument when there is a field that was not asked for.
  Result<void> no_others() const;

 private:
  Result<const nlohmann::json*> field(const char* key);
  std::unexpected<Error> wrong(std::string_view key, std::string_view should_be) const;

  const nlohmann::json& object_;
  std::string what_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace boxlite::json_
