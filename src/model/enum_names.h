// SPDX-License-Identifier: Apache-2.0
// Enums by name: name() is declared beside each enum, those of boxlite/*.hpp too; here is the way back.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "base/result.h"

namespace boxlite::model {

// An enum that counts from 0 without gaps and has a name() that is empty for a value that is none.
template <typename Enum>
concept NamedEnum = std::is_scoped_enum_v<Enum> && requires(Enum value) {
  { name(value) } -> std::same_as<std::string_view>;
};

// Every enumerator, in the order of the enum.
template <NamedEnum Enum>
std::vector<Enum> values() {
  std::vector<Enum> all;
  for (auto value = Enum{}; !name(value).empty();) {
    all.push_back(value);
    value = static_cast<Enum>(std::to_underlying(value) + 1);
  }
  return all;
}

// What name() writes; invalid_argument, with the words that there are, for another one.
template <NamedEnum Enum>
Result<Enum> parse(std::string_view word) {
  std::vector<std::string_view> words;
  for (const auto value : values<Enum>()) {
    if (name(value) == word) return value;
    words.push_back(name(value));
  }
  return fail(ErrorCode::invalid_argument,
              concat(excerpt_in_quotes(word), " is none of ", join(words, ", ")));
}

}  // namespace boxlite::model
