// SPDX-License-Identifier: Apache-2.0
// Described values become JSON. Included by codec.h only.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <boxlite/box_spec.hpp>

#include "model/enum_names.h"
#include "model/fields/views.h"

namespace boxlite::model {

using Json = nlohmann::ordered_json;  // in the order of the description, for people

// JSON text is UTF-8; arguments, paths and output are any bytes. Those that are not UTF-8 are {"hex": "…"}
// when they must come back (exact), or stay what they are: then dump() replaces them (shown).
enum class TextForm { exact, shown };

Json text_to_json(const std::string& bytes, TextForm form);
// RFC 3339 with all nine digits: programs put events of one millisecond in order.
std::string time_to_text(TimePoint time);

// The `field` of describe(): collects the members of one object.
class JsonWriter {
 public:
  explicit JsonWriter(TextForm form) : form_(form) {}

  void operator()(const char* key, const auto& member) { object_[key] = json(member); }

  template <typename Value>
    requires requires(JsonWriter& field, const Value& value) { describe(field, value); }
  Json json(const Value& value) const {
    JsonWriter members(form_);
    describe(members, value);
    return std::move(members.object_);
  }

  template <typename Number>
    requires std::is_arithmetic_v<Number>
  Json json(Number number) const {
    return number;
  }
  template <NamedEnum Enum>
  Json json(Enum value) const {
    return name(value);
  }
  Json json(const std::string& bytes) const { return text_to_json(bytes, form_); }
  Json json(const std::filesystem::path& path) const { return json(path.native()); }
  Json json(TimePoint time) const { return time_to_text(time); }
  template <typename Period>
  Json json(std::chrono::duration<std::int64_t, Period> duration) const {
    return static_cast<std::uint64_t>(duration.count());
  }

  template <typename Value>
  Json json(const std::optional<Value>& value) const {
    return value ? json(*value) : Json(nullptr);
  }
  template <typename Value>
  Json json(const std::vector<Value>& list) const {
    auto array = Json::array();
    for (const auto& element : list) array.push_back(json(element));
    return array;
  }
  template <typename... Values>
  Json json(const std::tuple<Values...>& all) const {
    return std::apply([this](const auto&... each) { return Json::array({this->json(each)...}); }, all);
  }
  Json json(const std::pair<std::string, std::string>& pair) const {
    return json(std::tie(pair.first, pair.second));
  }

  template <typename Value>
  Json json(const OrNull<Value>& view) const {
    return view.value == std::remove_const_t<Value>{} ? Json(nullptr) : json(view.value);
  }
  template <typename Duration>
  Json json(const InSeconds<Duration>& view) const {
    return std::chrono::duration<double>(view.duration).count();
  }
  template <typename Protocol>
  Json json(const IsUdp<Protocol>& view) const {
    return view.protocol == Protocol::udp;
  }
  template <typename Enum>
  Json json(const KnownWord<Enum>& view) const {
    return json(view.value);
  }
  template <typename Pairs>
  Json json(const AsObject<Pairs>& view) const {
    auto object = Json::object();
    for (const auto& [key, value] : view.pairs) object[key] = json(value);
    return object;
  }

 private:
  TextForm form_;
  Json object_ = Json::object();
};

}  // namespace boxlite::model
