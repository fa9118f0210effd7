// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// The first three bytes say how the rest is cut and where two words end in it: the output is what replacing
// in the whole text gives.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/inspection/placeholder_filter.h"

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
  PlaceholderFilter filter(replacements);
  std::string out;
  const std::size_t piece = 1u + input[0] % 16u;
  for (std::size_t at = 0; at < text.size(); at += piece) filter.feed(text.substr(at, piece), out);
  filter.finish(out);
  if (out != replaced(pairs, text)) std::abort();
  return 0;
}
