// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/logs.hpp>

namespace boxlite::backend {

// What a boxlite::LogReader does; see there.
class LogReader {
 public:
  virtual ~LogReader() = default;
  virtual Result<std::optional<LogRecord>> next(const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
