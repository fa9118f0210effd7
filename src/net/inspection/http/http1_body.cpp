// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http1_body.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace boxlite::net {
namespace {

constexpr std::size_t max_size_line = 1024;  // extensions included, which nobody uses
constexpr std::size_t max_trailers = 16u << 10;

std::unexpected<Error> broken_body(std::string_view what) {
  return fail(ErrorCode::corrupted, concat("HTTP body: ", what));
}

// A line that is there as a whole; false when its end has not come yet.
Result<bool> find_line(std::string_view rest, std::size_t limit, std::string_view& line) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos ? rest.size() > limit : end > limit)
    return broken_body("a line is too long");
  if (end == std::string_view::npos) return false;
  if (end == 0 || rest[end - 1] != '\r') return broken_body("a line ends without a carriage return");
  line = rest.substr(0, end - 1);
  return true;
}

}  // namespace

Http1Body::Http1Body(const BodyFraming& framing) : state_(State::complete), left_(framing.length) {
  switch (framing.kind) {
    case BodyFraming::Kind::none: break;
    case BodyFraming::Kind::length: state_ = State::length; break;
    case BodyFraming::Kind::chunked: state_ = State::size_line; break;
    case BodyFraming::Kind::until_close: state_ = State::until_close; break;
  }
}

Result<Http1Body::Step> Http1Body::read(std::string_view bytes) {
  Step step;
  auto rest = bytes;
  for (bool goes_on = true; goes_on && !is_complete() && !rest.empty();) {
    switch (state_) {
      case State::size_line: goes_on = BOXLITE_TRY(read_size_line(rest)); break;
      case State::trailers: goes_on = BOXLITE_TRY(read_trailer(rest)); break;
      case State::chunk_end:
        goes_on = rest.size() >= 2;
        if (!std::string_view("\r\n").starts_with(rest.substr(0, 2)))
          return broken_body("a chunk is longer than it says");
        if (!goes_on) break;
        rest.remove_prefix(2);
        state_ = State::size_line;
        break;
      default: take_content(rest, step.content);
    }
  }
  step.consumed = bytes.size() - rest.size();
  return step;
}

void Http1Body::take_content(std::string_view& rest, std::string& out) {
  if (state_ == State::until_close) {
    out += rest;
    rest = {};
    return;
  }
  const auto taken = rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size())));
  out += taken;
  rest.remove_prefix(taken.size());
  left_ -= taken.size();
  if (left_ == 0) state_ = state_ == State::chunk ? State::chunk_end : State::complete;
}

Result<bool> Http1Body::read_size_line(std::string_view& rest) {
  std::string_view line;
  if (!BOXLITE_TRY(find_line(rest, max_size_line, line))) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
  const auto after = line.substr(static_cast<std::size_t>(end - line.data()));
  if (error != std::errc() || left_ > INT64_MAX ||
      (!after.empty() && !std::string_view("; \t").contains(after[0]))) {
    return broken_body("a malformed chunk size");
  }
  rest.remove_prefix(line.size() + 2);
  state_ = left_ == 0 ? State::trailers : State::chunk;
  return true;
}

Result<bool> Http1Body::read_trailer(std::string_view& rest) {
  std::string_view line;
  if (!BOXLITE_TRY(find_line(rest, max_trailers, line))) return false;
  rest.remove_prefix(line.size() + 2);
  if (line.empty()) {
    state_ = State::complete;
    return true;
  }
  const auto is_control = [](char c) {
    return c != '\t' && (static_cast<unsigned char>(c) < ' ' || c == 0x7f);
  };
  if (trailers_.size() + line.size() > max_trailers || line.find(':') == std::string_view::npos ||
      std::ranges::any_of(line, is_control)) {
    return broken_body("malformed trailers");
  }
  trailers_ += concat(line, "\r\n");
  return true;
}

std::string chunk(std::string_view content) {
  if (content.empty()) return {};
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, content.size(), 16).ptr;
  return concat(std::string_view(size, static_cast<std::size_t>(end - size)), "\r\n", content, "\r\n");
}

std::string last_chunk(std::string_view trailers) {
  return concat("0\r\n", trailers, "\r\n");
}

}  // namespace boxlite::net
