// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/placeholder_filter.h"

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>

namespace boxlite::net {
namespace {

// Bytes that are not there count as zero.
std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), std::min(text.size(), sizeof head));
  return head;
}

}  // namespace

Replacements::Replacements(std::vector<Pair> pairs, Words words) : are_secret_(words == Words::secret) {
  std::ranges::sort(pairs, std::ranges::greater(), [](const Pair& pair) { return pair.from.size(); });
  constexpr std::string_view all("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  for (const auto& pair : pairs) {
    words_.push_back({pair, head_of(pair.from), head_of(all.substr(0, pair.from.size()))});
    begins_[static_cast<unsigned char>(pair.from.front())] = true;
    may_have_lines_ = may_have_lines_ || pair.from.contains('\n');
    longest_to_ = std::max(longest_to_, pair.to.size());
  }
  if (pairs.empty()) return;
  shortest_ = pairs.back().from.size();
  longest_ = pairs.front().from.size();
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

const Replacements::Pair* Replacements::match(std::string_view text) const {
  if (are_secret_) return match_secret(text);
  for (const auto& word : words_) {
    if (text.starts_with(word.pair.from)) return &word.pair;
  }
  return nullptr;
}

// In a time that tells how much of a word is right only to who has its first eight bytes right at once.
const Replacements::Pair* Replacements::match_secret(std::string_view text) const {
  const auto head = head_of(text);
  for (const auto& word : words_) {
    const auto from = word.pair.from;
    if (text.size() >= from.size() && (head & word.mask) == word.head &&
        CRYPTO_memcmp(text.data(), from.data(), from.size()) == 0) {
      return &word.pair;
    }
  }
  return nullptr;
}

// How much of `text` can be judged whatever comes after it: of secret words that must not depend on what they
// are, only on their lengths.
std::size_t Replacements::decided(std::string_view text) const {
  if (!are_secret_) return text.size();
  const auto decided = text.size() - std::min(text.size(), longest_ - 1);
  if (may_have_lines_) return decided;
  const auto line_end = text.rfind('\n');
  return line_end == std::string_view::npos ? decided : std::max(decided, line_end + 1);
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

// A longer known word than `match`, so that nothing shorter counts yet.
bool PlaceholderFilter::may_still_come(std::string_view rest, const Replacements::Pair* match) const {
  return std::ranges::any_of(replacements_.words_, [&](const auto& word) {
    const auto from = word.pair.from;
    return from.size() > (match != nullptr ? match->from.size() : 0) && from.size() > rest.size() &&
           from.starts_with(rest);
  });
}

std::size_t PlaceholderFilter::scan(std::string_view text, bool is_end, std::string& out) const {
  const bool are_secret = replacements_.are_secret_;
  const auto may_begin = [this](char c) { return replacements_.begins_[static_cast<unsigned char>(c)]; };
  const auto end = is_end ? text.size() : replacements_.decided(text);
  std::size_t plain = 0;  // where the text begins that was not copied yet
  std::size_t at = 0;
  while (at < end) {
    if (!are_secret) {
      at = static_cast<std::size_t>(std::ranges::find_if(text.substr(at), may_begin) - text.begin());
      if (at == text.size()) break;
    }
    const auto rest = text.substr(at);
    const auto* const match = replacements_.match(rest);
    if (!are_secret && !is_end && may_still_come(rest, match)) break;
    if (match == nullptr) {
      ++at;
      continue;
    }
    out += text.substr(plain, at - plain);
    out += match->to;
    plain = at += match->from.size();
  }
  out += text.substr(plain, at - plain);
  return at;
}

}  // namespace boxlite::net
