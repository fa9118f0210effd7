// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/folder_name.h"

#include <charconv>

#include "base/concat.h"

namespace boxlite::fileserver {
namespace {

bool take(std::string_view& text, unsigned& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char letter) {
  if (!text.starts_with(letter)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string folder_name(unsigned number, const FolderRules& rules) {
  if (rules.is_volume) return concat(number, "v");
  if (rules.follows_box_user) return concat(number);
  return concat(number, "u", rules.uid, "g", rules.gid);
}

std::optional<FolderRules> parse_folder_name(std::string_view name) {
  unsigned number = 0;
  if (!take(name, number)) return std::nullopt;
  if (name.empty()) return FolderRules{.follows_box_user = true};
  if (name == "v") return FolderRules{.is_volume = true};
  FolderRules rules;
  if (!take(name, 'u') || !take(name, rules.uid) || !take(name, 'g') || !take(name, rules.gid) ||
      !name.empty())
    return std::nullopt;
  return rules;
}

}  // namespace boxlite::fileserver
