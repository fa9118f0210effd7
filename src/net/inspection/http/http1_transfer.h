// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/inspection/http/http1_body.h"
#include "net/inspection/http/placeholder_filter.h"
#include "net/inspection/http/substitution.h"

namespace boxlite::net {

// One body on its way from one side to the other, a piece at a time.
class Http1Transfer {
 public:
  enum class Form : std::uint8_t {
    as_it_is,  // framing and content, byte for byte
    plain,     // the content alone
    chunked,
  };
  // Replacements only with `plain` and `chunked`, `trailer_masks` with `chunked`; they outlive the transfer.
  // Null: none.
  Http1Transfer(const BodyFraming& framing, Form form, const Replacements* replacements,
                const Substitution* trailer_masks = nullptr);

  // Appends to `out` what comes of the front of `input`, about `room` bytes at most; returns how much it
  // took.
  Result<std::size_t> move(std::string_view input, std::size_t room, std::string& out);
  bool is_complete() const { return body_.is_complete(); }
  // Some content is held back, and the sender has not announced more.
  bool may_let_go() const { return filter_ && filter_->is_holding() && !body_.is_owed_content(); }
  // Appends what is held back to `out`.
  void let_go(std::string& out);
  // The sender has closed the connection. corrupted when that is not the end of the body.
  Result<void> close(std::string& out);

 private:
  void add_content(std::string_view content, bool is_last, std::string& out);

  Http1Body body_;
  Form form_;
  const Replacements* replacements_;
  const Substitution* trailer_masks_;
  std::optional<PlaceholderFilter> filter_;
};

}  // namespace boxlite::net
