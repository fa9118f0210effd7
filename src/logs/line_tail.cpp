// SPDX-License-Identifier: Apache-2.0
#include "logs/line_tail.h"

#include <algorithm>

namespace boxlite::logs {

std::string_view LineTail::pick(RecordKind kind, std::string_view bytes) {
  auto& stream = streams_[kind == RecordKind::stderr_bytes ? 1 : 0];
  std::size_t kept_from = bytes.size();
  for (std::size_t at = 0; at < bytes.size();) {
    if (stream.is_at_start) stream.line = lines_++;
    if (stream.line >= skipped_) kept_from = std::min(kept_from, at);
    const auto end = bytes.find('\n', at);
    stream.is_at_start = end != std::string_view::npos;
    at = stream.is_at_start ? end + 1 : bytes.size();
  }
  return bytes.substr(kept_from);
}

}  // namespace boxlite::logs
