// SPDX-License-Identifier: Apache-2.0
// links: netpolicy linux base
// Lines of network.log, which anybody may have written: what is taken is a record, and can be
// written again.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "netpolicy/audit_log.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto record = netpolicy::parse_audit_record({reinterpret_cast<const char*>(bytes), size});
  if (!record) return 0;
  const auto line = netpolicy::to_line(*record);
  if (line.size() > netpolicy::longest_audit_line || line.find('\n') != line.size() - 1) std::abort();
  // Near the ends of what 64 bits of nanoseconds count, an offset may carry a time beyond them.
  const bool is_usual =
      record->time > Timestamp() && record->time < Timestamp(std::chrono::nanoseconds(1ll << 62));
  if (is_usual && !netpolicy::parse_audit_record(line)) std::abort();
  return 0;
}
