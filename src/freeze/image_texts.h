// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace boxlite::freeze {

// The texts at the end of an image, each with a zero behind it.
class ImageTexts {
 public:
  // Where it begins.
  std::uint64_t add(const std::string& text) {
    const auto at = bytes_.size();
    bytes_.append(text.c_str(), text.size() + 1);
    return at;
  }
  // An image ends with a zero, whatever is in it.
  std::string finish() && { return std::move(bytes_) + '\0'; }

 private:
  std::string bytes_;
};

}  // namespace boxlite::freeze
