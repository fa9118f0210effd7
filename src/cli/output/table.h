// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace boxlite::cli {

// Text in aligned columns with a heading, as wide as its widest cell. One thread.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  // As many cells as there are headings.
  void add_row(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// `text` without what could move the cursor or colour the terminal: control characters become '?'. Names that
// come from images and boxes pass through here.
std::string printable(std::string_view text);

// At most `width` characters, the last one "…" when something was cut off.
std::string shortened(std::string_view text, std::size_t width);

// Columns that UTF-8 text takes on a terminal, at one per character.
std::size_t display_width(std::string_view text);

}  // namespace boxlite::cli
