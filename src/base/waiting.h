// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/time.h"

namespace boxlite {

// Waits until the predicate holds; false when the deadline has passed, or a stop was asked for, before.
template <typename Predicate>
bool wait_until(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock,
                const Deadline& deadline, Predicate predicate) {
  if (deadline.is_never()) return changed.wait(lock, deadline.stop(), predicate);
  return changed.wait_until(lock, deadline.stop(), deadline.at(), predicate);
}

}  // namespace boxlite
