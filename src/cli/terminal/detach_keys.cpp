// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/detach_keys.h"

#include <utility>

namespace boxlite::cli {

namespace {

constexpr std::string_view control = "ctrl-";

std::optional<char> parse_key(std::string_view text) {
  if (text.size() == 1) return text.front();
  if (!text.starts_with(control) || text.size() != control.size() + 1) return std::nullopt;
  const char key = text.back();
  if (key >= 'a' && key <= 'z') return static_cast<char>(key - 'a' + 1);
  constexpr std::string_view others = "@[\\]^_";
  constexpr char codes[] = {0, 27, 28, 29, 30, 31};
  const auto place = others.find(key);
  if (place == std::string_view::npos) return std::nullopt;
  return codes[place];
}

}  // namespace

std::optional<DetachKeys> DetachKeys::parse(std::string_view text) {
  std::string keys;
  while (!text.empty()) {
    const auto comma = text.find(',', 1);
    const auto key = parse_key(text.substr(0, comma));
    if (!key) return std::nullopt;
    keys += *key;
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (comma != std::string_view::npos && text.empty()) return std::nullopt;
  }
  return DetachKeys(std::move(keys));
}

DetachKeys::Typed DetachKeys::feed(std::string_view typed) {
  if (keys_.empty()) return {std::string(typed), false};
  Typed result;
  for (const char key : typed) {
    if (key != keys_[matched_]) {
      // It was no sequence after all; this key may still begin one.
      result.forwarded.append(keys_, 0, matched_);
      matched_ = 0;
    }
    if (key != keys_[matched_]) {
      result.forwarded += key;
    } else if (++matched_ == keys_.size()) {
      matched_ = 0;
      result.has_detached = true;
      return result;
    }
  }
  return result;
}

}  // namespace boxlite::cli
