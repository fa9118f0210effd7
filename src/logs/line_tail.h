// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "logs/log_format.h"

namespace boxlite::logs {

// Leaves out the first lines of a log. Lines of the two streams are counted together, in the order they
// begin; a line that is not ended goes on with the next bytes of its stream. One thread.
class LineTail {
 public:
  explicit LineTail(std::uint64_t skipped_lines) : skipped_(skipped_lines) {}

  // What of these bytes, which follow those of the last call, is not left out: an end part of them.
  std::string_view pick(RecordKind stream, std::string_view bytes);
  // The command begins anew: whatever was not ended is.
  void end_lines() { streams_[0].is_at_start = streams_[1].is_at_start = true; }
  // That have begun so far.
  std::uint64_t lines() const { return lines_; }

 private:
  struct Stream {
    bool is_at_start = true;
    std::uint64_t line = 0;  // the number of the one under way
  };
  std::uint64_t skipped_;
  std::uint64_t lines_ = 0;
  Stream streams_[2];
};

}  // namespace boxlite::logs
