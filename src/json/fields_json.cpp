// SPDX-License-Identifier: Apache-2.0
#include "base/concat.h"
#include "json/fields.h"

namespace boxlite::json_ {
namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::unexpected<Error> Fields::wrong(std::string_view key, std::string_view should_be) const {
  return fail(ErrorCode::invalid_argument, concat(what_, ": ", in_quotes(key), " ", should_be));
}

Result<const nlohmann::json*> Fields::field(const char* key) {
  asked_.insert(key);
  if (!has(key)) return wrong(key, "is missing");
  return &object_[key];
}

Result<std::string> Fields::text(const char* key) {
  const auto* value = BOXLITE_TRY(field(key));
  if (!value->is_string()) return wrong(key, "is not a string");
  return value->get<std::string>();
}

Result<std::string> Fields::bytes(const char* key) {
  const auto digits = BOXLITE_TRY(text(key));
  std::string result;
  if (digits.size() % 2 != 0) return wrong(key, "is not hexadecimal");
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    const int high = hex_value(digits[at]);
    const int low = hex_value(digits[at + 1]);
    if (high < 0 || low < 0) return wrong(key, "is not hexadecimal");
    result += static_cast<char>(high * 16 + low);
  }
  return result;
}

Result<bool> Fields::flag(const char* key) {
  const auto* value = BOXLITE_TRY(field(key));
  if (!value->is_boolean()) return wrong(key, "is not true or false");
  return value->get<bool>();
}

Result<std::uint64_t> Fields::number(const char* key, std::uint64_t least, std::uint64_t most) {
  const auto* value = BOXLITE_TRY(field(key));
  if (!value->is_number_unsigned()) return wrong(key, "is not a whole number");
  const auto number = value->get<std::uint64_t>();
  if (number < least || number > most) return wrong(key, concat("is not within ", least, " and ", most));
  return number;
}

Result<const nlohmann::json*> Fields::object(const char* key) {
  const auto* value = BOXLITE_TRY(field(key));
  if (!value->is_object()) return wrong(key, "is not an object");
  return value;
}

Result<const nlohmann::json*> Fields::array(const char* key) {
  const auto* value = BOXLITE_TRY(field(key));
  if (!value->is_array()) return wrong(key, "is not an array");
  return value;
}

Result<void> Fields::no_others() const {
  for (const auto& [key, value] : object_.items()) {
    if (!asked_.contains(key)) return wrong(key, "is not known");
  }
  return {};
}

}  // namespace boxlite::json_
