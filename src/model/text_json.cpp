// SPDX-License-Identifier: Apache-2.0
#include "base/concat.h"
#include "base/hex.h"
#include "base/time.h"
#include "base/utf8.h"
#include "model/json_reader.h"
#include "model/json_writer.h"

namespace boxlite::model {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

Result<std::string> parse_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto high = hex_digits.find(hex[i]);
    const auto low = hex_digits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return fail(ErrorCode::corrupted, concat("invalid hex digits in ", excerpt_in_quotes(hex)));
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace

std::unexpected<Error> other_than(std::string_view expected) {
  return fail(ErrorCode::corrupted, concat("it is not ", expected));
}

Json text_to_json(const std::string& bytes, TextForm form) {
  if (form == TextForm::shown || is_utf8(bytes)) return bytes;
  return {{"hex", to_hex(bytes)}};
}

Result<std::string> text_from_json(const Json& json) {
  if (json.is_object() && json.contains("hex")) return parse_hex(BOXLITE_TRY(word_from_json(json["hex"])));
  return word_from_json(json);
}

Result<std::string> word_from_json(const Json& json) {
  if (!json.is_string()) return other_than("a text");
  return json.get<std::string>();
}

std::string time_to_text(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = concat((time - seconds).count());
  auto text = to_rfc3339(seconds);
  text.resize(text.find('.'));
  return concat(text, '.', std::string(9 - fraction.size(), '0'), fraction, 'Z');
}

Result<TimePoint> time_from_json(const Json& json) {
  const auto time = parse_rfc3339(BOXLITE_TRY(word_from_json(json)));
  if (!time) return other_than("a time as in RFC 3339");
  return *time;
}

}  // namespace boxlite::model
