// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// The first three bytes say how the rest is cut and where two words end in it: the output is what replacing
// in the whole text gives. Of secret words, what comes out at each piece is the same for others of their
// lengths, unless one occurs in full.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/inspection/http/placeholder_filter.h"

namespace {

using boxlite::net::PlaceholderFilter;
using boxlite::net::Replacements;

// As slow and as simple as can be.
std::string replaced(const std::vector<Replacements::Pair>& pairs, std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Replacements::Pair* longest = nullptr;
    for (const auto& pair : pairs) {
      const bool fits = text.substr(at).starts_with(pair.from);
      if (fits && (longest == nullptr || pair.from.size() > longest->from.size())) longest = &pair;
    }
    out += longest != nullptr ? longest->to : text.substr(at, 1);
    at += longest != nullptr ? longest->from.size() : 1;
  }
  return out;
}

using Steps = std::vector<std::string>;

Steps steps_of(const Replacements& replacements, std::string_view text, std::size_t piece) {
  PlaceholderFilter filter(replacements);
  Steps steps;
  for (std::size_t at = 0; at < text.size(); at += piece)
    filter.feed(text.substr(at, piece), steps.emplace_back());
  filter.finish(steps.emplace_back());
  return steps;
}

bool occurs(const std::vector<Replacements::Pair>& pairs, std::string_view text) {
  return std::ranges::any_of(pairs, [&](const auto& pair) { return text.contains(pair.from); });
}

void compare_secrets(std::vector<Replacements::Pair> pairs, std::string_view text, std::size_t piece) {
  const Replacements one(pairs, Replacements::Words::secret);
  std::string whole;
  for (const auto& step : steps_of(one, text, piece)) whole += step;
  if (whole != replaced(pairs, text)) std::abort();
  if (occurs(pairs, text)) return;
  // The same but for the last bytes, so that the text is full of beginnings of the one and not of the other.
  std::vector<std::string> others;
  for (const auto& pair : pairs) {
    others.emplace_back(pair.from);
    // Whether there is a line end in it may be told.
    auto& last = others.back().back();
    if (last != '\n') last = (last ^ 0x40) != '\n' ? static_cast<char>(last ^ 0x40) : 'x';
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].from = others[i];
  const Replacements other(pairs, Replacements::Words::secret);
  if (!occurs(pairs, text) && steps_of(one, text, piece) != steps_of(other, text, piece)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 3) return 0;
  std::string_view text(reinterpret_cast<const char*>(input) + 3, size - 3);
  std::vector<Replacements::Pair> pairs;
  for (const std::string_view to : {"ONE", ""}) {
    const std::size_t length = std::min<std::size_t>(input[1 + pairs.size()] % 8u, text.size());
    if (length == 0) break;
    pairs.push_back({text.substr(0, length), to});
    text.remove_prefix(length);
  }
  const Replacements replacements(pairs);
  std::string out;
  const std::size_t piece = 1u + input[0] % 16u;
  for (const auto& step : steps_of(replacements, text, piece)) out += step;
  if (out != replaced(pairs, text)) std::abort();
  if (!pairs.empty()) compare_secrets(pairs, text, piece);
  return 0;
}
