// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boxlite/box_spec.hpp>

namespace boxlite {

// What is done with output beyond the limit.
enum class BeyondLimit {
  discard,  // read and thrown away: the command runs to its end
  fail,     // the call ends with resource_exhausted
};

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(BeyondLimit beyond);

struct OutputOptions {
  std::size_t limit = 16u << 20;  // bytes that are kept of each stream
  BeyondLimit beyond = BeyondLimit::discard;
};

// What a command has written, as bytes, and how it ended.
struct Output {
  std::string stdout_text = {};
  std::string stderr_text = {};
  std::uint64_t stdout_bytes = 0;  // all that it wrote there, kept or not
  std::uint64_t stderr_bytes = 0;
  ExitStatus status = {};

  bool is_whole() const { return stdout_text.size() == stdout_bytes && stderr_text.size() == stderr_bytes; }
};

}  // namespace boxlite
