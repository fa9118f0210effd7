// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/events.hpp>

namespace boxlite::backend {

// What a boxlite::EventReader does; see there.
class EventReader {
 public:
  virtual ~EventReader() = default;
  virtual Result<std::optional<Event>> next(const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
