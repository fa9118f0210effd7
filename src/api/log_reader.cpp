// SPDX-License-Identifier: Apache-2.0
#include "backend/log_reader.h"

#include <utility>

namespace boxlite {

LogReader::LogReader(std::shared_ptr<backend::LogReader> backend) : backend_(std::move(backend)) {}

Result<std::optional<LogRecord>> LogReader::next(const CallOptions& call) {
  return backend_->next(call);
}

}  // namespace boxlite
