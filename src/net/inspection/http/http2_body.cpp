// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http2_body.h"

#include <algorithm>

namespace boxlite::net {

void Http2Body::set_replacements(const Replacements* replacements) {
  replacements_ = replacements;
  if (replacements != nullptr && !replacements->is_empty()) filter_.emplace(*replacements);
}

void Http2Body::end(HttpFields trailers) {
  is_ended_ = true;
  trailers_ = std::move(trailers);
}

Http2Body::Taken Http2Body::take(char* place, std::size_t room) {
  const auto consumed = make_ready(room);
  const auto written = std::min(room, ready_.size());
  std::ranges::copy(ready_.view().substr(0, written), place);
  ready_.consume(written);
  return {written, consumed};
}

// Replaced as late as possible: what many short words become may be much longer.
std::size_t Http2Body::make_ready(std::size_t room) {
  std::size_t consumed = 0;
  while (ready_.size() < room && !arrived_.is_empty()) {
    const auto wanted = room - ready_.size();
    const auto piece = arrived_.view().substr(0, filter_ ? replacements_->piece_for(wanted) : wanted);
    if (filter_) {
      std::string changed;
      filter_->feed(piece, changed);
      ready_.append(changed);
    } else {
      ready_.append(piece);
    }
    consumed += piece.size();
    arrived_.consume(piece.size());
  }
  if (is_ended_ && arrived_.is_empty() && filter_) {
    std::string rest;
    filter_->finish(rest);
    ready_.append(rest);
    filter_.reset();
  }
  return consumed;
}

void Http2Body::let_go() {
  std::string rest;
  filter_->finish(rest);
  ready_.append(rest);
}

std::size_t Http2Body::discard() {
  const auto lost = arrived_.size();
  arrived_.consume(lost);
  ready_.consume(ready_.size());
  filter_.reset();
  return lost;
}

}  // namespace boxlite::net
