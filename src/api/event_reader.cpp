// SPDX-License-Identifier: Apache-2.0
#include "backend/event_reader.h"

#include <utility>

namespace boxlite {

EventReader::EventReader(std::shared_ptr<backend::EventReader> backend) : backend_(std::move(backend)) {}

Result<std::optional<Event>> EventReader::next(const CallOptions& call) {
  return backend_->next(call);
}

}  // namespace boxlite
