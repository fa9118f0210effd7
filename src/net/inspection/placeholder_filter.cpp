// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/placeholder_filter.h"

#include <algorithm>

namespace boxlite::net {

Replacements::Replacements(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {
  std::ranges::sort(pairs_, std::ranges::greater(), [](const Pair& pair) { return pair.from.size(); });
  for (const auto& pair : pairs_) {
    begins_[static_cast<unsigned char>(pair.from.front())] = true;
    longest_to_ = std::max(longest_to_, pair.to.size());
  }
  if (!pairs_.empty()) shortest_ = pairs_.back().from.size();
}

// A peer that sends nothing but short words for long ones must not fill our memory.
std::size_t Replacements::piece_for(std::size_t room) const {
  if (longest_to_ <= shortest_) return std::max<std::size_t>(room, 1);
  return std::max<std::size_t>(room / longest_to_ * shortest_, 1);
}

std::optional<std::string> Replacements::apply(std::string_view text, std::size_t limit) const {
  std::string out;
  PlaceholderFilter filter(*this);
  while (!text.empty() && out.size() <= limit) {
    const auto piece = text.substr(0, piece_for(limit));
    filter.feed(piece, out);
    text.remove_prefix(piece.size());
  }
  filter.finish(out);
  if (out.size() > limit) return std::nullopt;
  return out;
}

void PlaceholderFilter::feed(std::string_view bytes, std::string& out) {
  if (replacements_.is_empty()) {
    out += bytes;
    return;
  }
  if (held_.empty()) {
    held_ = bytes.substr(scan(bytes, false, out));
    return;
  }
  held_ += bytes;
  held_.erase(0, scan(held_, false, out));
}

void PlaceholderFilter::finish(std::string& out) {
  scan(held_, true, out);
  held_.clear();
}

std::size_t PlaceholderFilter::scan(std::string_view text, bool is_end, std::string& out) const {
  const auto may_begin = [this](char c) { return replacements_.begins_[static_cast<unsigned char>(c)]; };
  std::size_t plain = 0;  // where the text begins that was not copied yet
  for (std::size_t at = 0; at < text.size();) {
    at = static_cast<std::size_t>(std::ranges::find_if(text.substr(at), may_begin) - text.begin());
    const auto rest = text.substr(at);
    if (rest.empty()) break;
    const Replacements::Pair* match = nullptr;
    for (const auto& pair : replacements_.pairs_) {
      if (rest.starts_with(pair.from)) {
        match = &pair;
        break;
      }
      // A longer word may still come true here, so nothing shorter counts yet.
      if (!is_end && pair.from.starts_with(rest)) {
        out += text.substr(plain, at - plain);
        return at;
      }
    }
    if (match == nullptr) {
      ++at;
      continue;
    }
    out += text.substr(plain, at - plain);
    out += match->to;
    plain = at += match->from.size();
  }
  out += text.substr(plain);
  return text.size();
}

}  // namespace boxlite::net
