// SPDX-License-Identifier: Apache-2.0
// links: journal linux base
// Lines of events.jsonl, which anybody may have written: what is taken is an event, and written again it is
// the same.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "journal/event_log.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(bytes), size);
  const auto event = journal::parse_event(line);
  if (!event) return 0;
  const auto written = journal::to_line(*event);
  if (written.size() > journal::longest_event_line + 1) std::abort();
  // Near the ends of what 64 bits of nanoseconds count, an offset may carry a time beyond them.
  const bool is_usual =
      event->time > TimePoint() && event->time < TimePoint(std::chrono::nanoseconds(1ll << 62));
  if (is_usual && !journal::parse_event(written)) std::abort();
  return 0;
}
