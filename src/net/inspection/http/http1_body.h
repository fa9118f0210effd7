// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/inspection/http/http1_head.h"

namespace boxlite::net {

// Finds the content in the bytes of a body, whatever pieces they come in.
class Http1Body {
 public:
  explicit Http1Body(const BodyFraming& framing);

  struct Step {
    std::size_t consumed = 0;  // of the bytes given: content and framing
    std::string content = {};
  };
  // Consumes as much as it can. corrupted when the framing is broken.
  Result<Step> read(std::string_view bytes);

  // The last byte has been consumed. A body that ends with its connection never says so.
  bool is_complete() const { return state_ == State::complete; }
  // More content is announced: the peer must send it.
  bool is_owed_content() const { return state_ == State::length || state_ == State::chunk; }
  // The connection may end here.
  bool may_end_here() const { return is_complete() || state_ == State::until_close; }
  // The fields after the last chunk, each with its line end; empty for most.
  const std::string& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t { length, size_line, chunk, chunk_end, trailers, until_close, complete };
  Result<bool> read_size_line(std::string_view& rest);
  Result<bool> read_trailer(std::string_view& rest);
  void take_content(std::string_view& rest, std::string& out);

  State state_;
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::string trailers_;
};

// A chunk of a chunked body; nothing for no bytes, which would be its end.
std::string chunk(std::string_view content);
// The end of a chunked body.
std::string last_chunk(std::string_view trailers);

}  // namespace boxlite::net
