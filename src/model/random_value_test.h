// SPDX-License-Identifier: Apache-2.0
// Values with something random in every member that is described.
#pragma once

#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "model/enum_names.h"
#include "model/fields/views.h"

namespace boxlite::model {

// A `field` of describe().
class RandomMembers {
 public:
  explicit RandomMembers(unsigned seed) : engine_(seed) {}

  void operator()(const char*, auto&& member) { fill(member); }

  template <typename Value>
    requires requires(RandomMembers& field, Value& value) { describe(field, value); }
  void fill(Value& value) {
    describe(*this, value);
  }

  template <typename Number>
    requires std::is_integral_v<Number>
  void fill(Number& number) {
    const auto bits = engine_();
    std::memcpy(&number, &bits, sizeof number);
  }
  void fill(bool& flag) { flag = up_to(1) == 1; }
  void fill(double& number) { number = static_cast<double>(engine_()) / 1024; }
  template <NamedEnum Enum>
  void fill(Enum& value) {
    const auto all = values<Enum>();
    value = all[up_to(all.size() - 1)];
  }
  // Of any bytes, also such as are no UTF-8.
  void fill(std::string& text) {
    text.resize(up_to(20));
    const bool is_ascii = up_to(1) == 1;
    for (auto& byte : text) byte = static_cast<char>(is_ascii ? ' ' + up_to(94) : up_to(255));
  }
  void fill(std::filesystem::path& path) {
    std::string text;
    fill(text);
    path = text;
  }
  void fill(TimePoint& time) { time = TimePoint(std::chrono::nanoseconds(engine_() >> 1)); }
  template <typename Period>
  void fill(std::chrono::duration<std::int64_t, Period>& duration) {
    duration = std::chrono::duration<std::int64_t, Period>(engine_() >> 1);
  }

  template <typename Value>
  void fill(std::optional<Value>& value) {
    value.reset();
    if (up_to(1) == 1) fill(value.emplace());
  }
  template <typename Value>
  void fill(std::vector<Value>& list) {
    list.resize(up_to(3));
    for (auto& element : list) fill(element);
  }
  template <typename... Values>
  void fill(std::tuple<Values&...>& all) {
    std::apply([this](auto&... each) { (this->fill(each), ...); }, all);
  }
  void fill(std::pair<std::string, std::string>& pair) {
    fill(pair.first);
    fill(pair.second);
  }

  template <typename Value>
  void fill(OrNull<Value>& view) {
    fill(view.value);
  }
  // A double is exact to the nanosecond for 13 days.
  template <typename Duration>
  void fill(InSeconds<Duration>& view) {
    view.duration = Duration(engine_() >> 14);
  }
  template <typename Protocol>
  void fill(IsUdp<Protocol>& view) {
    fill(view.protocol);
  }
  template <typename Enum>
  void fill(KnownWord<Enum>& view) {
    fill(view.value);
  }
  template <typename Pairs>
  void fill(AsObject<Pairs>& view) {
    fill(view.pairs);
    for (std::size_t i = 0; i < view.pairs.size(); ++i) view.pairs[i].first = std::to_string(i);
  }

 private:
  std::uint64_t up_to(std::uint64_t most) { return engine_() % (most + 1); }

  std::mt19937_64 engine_;
};

}  // namespace boxlite::model
