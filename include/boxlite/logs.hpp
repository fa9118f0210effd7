// SPDX-License-Identifier: Apache-2.0
// What a box's main command has written, kept by the box's own process within BoxSpec::logs until the box is
// removed, whether or not anybody was attached.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/execution.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

namespace backend {
class LogReader;
}

struct LogOptions {
  // Go on with what comes until the box stops. A box that its restart policy starts again has not stopped.
  bool follow = false;
  // Only the last so many lines, of both streams together.
  std::optional<std::uint64_t> tail = {};
  // By the host's clock when the bytes came. `until` also ends following.
  std::optional<TimePoint> since = {};
  std::optional<TimePoint> until = {};
  std::optional<OutputStream> stream = {};
  // Instead: what the guest's kernel and agent wrote to the machine's console, without control characters.
  // It has no times, and none of the options above but `follow` and `tail` mean anything.
  bool console = false;
};

struct LogRecord {
  OutputStream stream = OutputStream::stdout_;
  TimePoint time = {};
  std::string bytes = {};  // any bytes, not cut at lines
  // Bytes that are missing before these: written away by newer ones, or lost on a full disk. With
  // `is_gap` and 0: nobody knows how many.
  std::uint64_t lost_bytes = 0;
  bool is_gap = false;  // only this; no bytes
};

// A handle, cheap to copy; all copies read on at one place. Thread-safe.
class BOXLITE_API LogReader {
 public:
  explicit LogReader(std::shared_ptr<backend::LogReader> backend);

  // The next record; nullopt at the end. Blocks only while following. One that ended early goes on with the
  // next call.
  Result<std::optional<LogRecord>> next(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::LogReader> backend_;
};

}  // namespace boxlite
