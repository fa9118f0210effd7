// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "net/inspection/http/byte_queue.h"
#include "net/inspection/http/http1_head.h"
#include "net/inspection/http/placeholder_filter.h"

namespace boxlite::net {

// The content of one direction of a stream, between the session it came by and the one it leaves by. Bounded
// by the windows of the former: what was taken in is what its sender may send again.
class Http2Body {
 public:
  // Outlives the body. Null: nothing is replaced.
  void set_replacements(const Replacements* replacements);

  void append(std::string_view bytes) { arrived_.append(bytes); }
  // Nothing comes after what was appended, but these.
  void end(HttpFields trailers = {});
  bool is_ended() const { return is_ended_; }

  struct Taken {
    std::size_t written = 0;
    std::size_t consumed = 0;  // of what was appended
  };
  Taken take(char* place, std::size_t room);
  // All that can be told so far has been taken, and something is held back.
  bool is_holding() const {
    return filter_ && filter_->is_holding() && arrived_.is_empty() && ready_.is_empty() && !is_ended_;
  }
  // What is held back can be taken.
  void let_go();
  // All has been taken.
  bool is_drained() const { return is_ended_ && arrived_.is_empty() && ready_.is_empty() && !filter_; }
  const HttpFields& trailers() const { return trailers_; }
  // Drops what is there; returns how much of it was never consumed.
  std::size_t discard();

 private:
  std::size_t make_ready(std::size_t room);

  const Replacements* replacements_ = nullptr;
  std::optional<PlaceholderFilter> filter_;
  ByteQueue arrived_;
  ByteQueue ready_;
  bool is_ended_ = false;
  HttpFields trailers_;
};

}  // namespace boxlite::net
