// SPDX-License-Identifier: Apache-2.0
// JSON becomes described values. Included by codec.h only.
#pragma once

#include <chrono>
#include <concepts>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "base/result.h"
#include "model/json_writer.h"

namespace boxlite::model {

// corrupted: "it is not a list".
std::unexpected<Error> other_than(std::string_view expected);
// Any bytes, in the form that text_to_json gives them.
Result<std::string> text_from_json(const Json& json);
// A string as it stands there.
Result<std::string> word_from_json(const Json& json);
Result<TimePoint> time_from_json(const Json& json);

// The `field` of describe(): takes members out of one object. What is missing or null keeps its default, what
// is not described is ignored. The first mistake is kept, and nothing is read after it.
class JsonReader {
 public:
  // Borrowed.
  explicit JsonReader(const Json& object) : object_(object) {}

  void operator()(const char* key, auto&& member) {
    const auto found = object_.find(key);
    if (!result_ || found == object_.end() || found->is_null()) return;
    result_ = read(*found, member);
    if (!result_) result_ = fail(std::move(result_).error().context(concat("field ", in_quotes(key))));
  }

  template <typename Value>
    requires requires(JsonReader& field, Value& value) { describe(field, value); }
  static Result<void> read(const Json& json, Value& out) {
    if (!json.is_object()) return other_than("an object");
    JsonReader members(json);
    describe(members, out);
    return std::move(members.result_);
  }

  static Result<void> read(const Json& json, bool& out) {
    if (!json.is_boolean()) return other_than("true or false");
    out = json.get<bool>();
    return {};
  }
  static Result<void> read(const Json& json, double& out) {
    if (!json.is_number()) return other_than("a number");
    out = json.get<double>();
    return {};
  }
  template <std::integral Number>
  static Result<void> read(const Json& json, Number& out) {
    using Limits = std::numeric_limits<Number>;
    const bool is_within = json.is_number_unsigned()
                               ? std::in_range<Number>(json.get<std::uint64_t>())
                               : json.is_number_integer() && std::in_range<Number>(json.get<std::int64_t>());
    if (!is_within) return other_than(concat("a whole number of ", Limits::min(), " to ", Limits::max()));
    out = json.get<Number>();
    return {};
  }
  template <typename Period>
  static Result<void> read(const Json& json, std::chrono::duration<std::int64_t, Period>& out) {
    std::int64_t count = 0;
    BOXLITE_TRY(read(json, count));
    if (count < 0) return other_than("a length of time");
    out = std::chrono::duration<std::int64_t, Period>(count);
    return {};
  }
  template <NamedEnum Enum>
  static Result<void> read(const Json& json, Enum& out) {
    const auto value = parse<Enum>(BOXLITE_TRY(word_from_json(json)));
    if (!value) return fail(ErrorCode::corrupted, value.error().message());
    out = *value;
    return {};
  }
  static Result<void> read(const Json& json, std::string& out) {
    out = BOXLITE_TRY(text_from_json(json));
    return {};
  }
  static Result<void> read(const Json& json, std::filesystem::path& out) {
    out = BOXLITE_TRY(text_from_json(json));
    return {};
  }
  static Result<void> read(const Json& json, TimePoint& out) {
    out = BOXLITE_TRY(time_from_json(json));
    return {};
  }

  template <typename Value>
  static Result<void> read(const Json& json, std::optional<Value>& out) {
    return read(json, out.emplace());
  }
  template <typename Value>
  static Result<void> read(const Json& json, std::vector<Value>& out) {
    if (!json.is_array()) return other_than("a list");
    out.clear();
    for (const auto& element : json)
      BOXLITE_TRY_CONTEXT(concat("element ", out.size() - 1), read(element, out.emplace_back()));
    return {};
  }
  template <typename... Values>
  static Result<void> read(const Json& json, std::tuple<Values&...>& out) {
    if (!json.is_array() || json.size() != sizeof...(Values))
      return other_than(concat("a list of ", sizeof...(Values)));
    auto element = json.begin();
    Result<void> result;
    const auto take = [&](auto& value) {
      result = read(*element++, value);
      return result.has_value();
    };
    std::apply([&](auto&... each) { (void)(take(each) && ...); }, out);
    return result;
  }
  static Result<void> read(const Json& json, std::pair<std::string, std::string>& out) {
    auto both = std::tie(out.first, out.second);
    return read(json, both);
  }

  template <typename Value>
  static Result<void> read(const Json& json, OrNull<Value>& view) {
    return read(json, view.value);
  }
  template <typename Duration>
  static Result<void> read(const Json& json, InSeconds<Duration>& view) {
    using Seconds = std::chrono::duration<double>;
    double seconds = 0;
    BOXLITE_TRY(read(json, seconds));
    if (seconds < 0 || seconds >= Seconds(Duration::max()).count()) return other_than("a length of time");
    view.duration = std::chrono::round<Duration>(Seconds(seconds));
    return {};
  }
  template <typename Protocol>
  static Result<void> read(const Json& json, IsUdp<Protocol>& view) {
    bool is_udp = false;
    BOXLITE_TRY(read(json, is_udp));
    view.protocol = is_udp ? Protocol::udp : Protocol::tcp;
    return {};
  }
  template <typename Enum>
  static Result<void> read(const Json& json, KnownWord<Enum>& view) {
    if (const auto value = parse<Enum>(BOXLITE_TRY(word_from_json(json)))) view.value = *value;
    return {};
  }
  template <typename Pairs>
  static Result<void> read(const Json& json, AsObject<Pairs>& view) {
    if (!json.is_object()) return other_than("an object");
    view.pairs.clear();
    for (const auto& [key, value] : json.items())
      BOXLITE_TRY_CONTEXT(in_quotes(key), read(value, view.pairs.emplace_back(key, std::string()).second));
    return {};
  }

 private:
  const Json& object_;
  Result<void> result_;
};

}  // namespace boxlite::model
