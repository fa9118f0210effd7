// SPDX-License-Identifier: Apache-2.0
#include "cli/options/box_path.h"

namespace boxlite::cli {

CopyPlace parse_copy_place(std::string_view text) {
  if (text == "-") return {.box = {}, .path = {}, .is_stream = true};
  const auto colon = text.find(':');
  const bool is_local = text.starts_with('/') || text.starts_with('.') || colon == text.npos || colon == 0;
  if (is_local) return {.box = {}, .path = std::string(text)};
  return {.box = std::string(text.substr(0, colon)), .path = std::string(text.substr(colon + 1))};
}

}  // namespace boxlite::cli
