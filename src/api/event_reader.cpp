// SPDX-License-Identifier: Apache-2.0
#include "backend/event_reader.h"

#include <utility>

namespace boxlite {

EventReader::EventReader(std::shared_ptr<backend::EventReader> backend) : backend_(std::move(backend)) {}

Result<std::optional<Event>> EventReader::next(std::chrono::milliseconds limit) {
  return backend_->next(limit);
}

bool EventReader::is_over() const {
  return backend_->is_over();
}

}  // namespace boxlite
