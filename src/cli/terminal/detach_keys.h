// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace boxlite::cli {

// The keys that leave a terminal without ending what runs in it; Docker's notation: "ctrl-p,ctrl-q",
// "ctrl-@", "a,b". Empty: there are none. One thread.
class DetachKeys {
 public:
  static constexpr std::string_view usual = "ctrl-p,ctrl-q";
  // Nothing when the text is not in that notation.
  static std::optional<DetachKeys> parse(std::string_view text);

  struct Typed {
    std::string forwarded;      // for the command; keys that may be the beginning of the sequence wait
    bool has_detached = false;  // the sequence is complete: what follows it is dropped
  };
  Typed feed(std::string_view typed);

 private:
  explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}
  std::string keys_;
  std::size_t matched_ = 0;
};

}  // namespace boxlite::cli
