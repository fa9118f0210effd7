// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http1_transfer.h"

#include <algorithm>

namespace boxlite::net {

Http1Transfer::Http1Transfer(const BodyFraming& framing, Form form, const Replacements* replacements,
                             const Substitution* trailer_masks)
    : body_(framing), form_(form), replacements_(replacements), trailer_masks_(trailer_masks) {
  if (replacements_ != nullptr) filter_.emplace(*replacements_);
}

Result<std::size_t> Http1Transfer::move(std::string_view input, std::size_t room, std::string& out) {
  const auto piece = input.substr(0, replacements_ != nullptr ? replacements_->piece_for(room) : room);
  const auto step = BOXLITE_TRY(body_.read(piece));
  if (form_ == Form::as_it_is) {
    out += piece.substr(0, step.consumed);
  } else {
    add_content(step.content, body_.is_complete(), out);
  }
  return step.consumed;
}

Result<void> Http1Transfer::close(std::string& out) {
  if (!body_.may_end_here()) return fail(ErrorCode::corrupted, "HTTP body: the connection was closed in it");
  if (!body_.is_complete() && form_ != Form::as_it_is) add_content({}, true, out);
  return {};
}

void Http1Transfer::let_go(std::string& out) {
  std::string rest;
  filter_->finish(rest);
  out += form_ == Form::plain ? rest : chunk(rest);
}

void Http1Transfer::add_content(std::string_view content, bool is_last, std::string& out) {
  std::string changed;
  if (filter_) {
    filter_->feed(content, changed);
    if (is_last) filter_->finish(changed);
    content = changed;
  }
  if (form_ == Form::plain) {
    out += content;
    return;
  }
  out += chunk(content);
  if (!is_last) return;
  out +=
      last_chunk(trailer_masks_ != nullptr ? trailer_masks_->mask_lines(body_.trailers()) : body_.trailers());
}

}  // namespace boxlite::net
