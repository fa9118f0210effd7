// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <boxlite/box_spec.hpp>

#include "shimlink/shim_record.h"

namespace boxlite::shim {

// Whether and when a machine that has ended by itself is started again. Knows no clock. One thread.
class RestartJudge {
 public:
  using milliseconds = std::chrono::milliseconds;

  explicit RestartJudge(const RestartPolicy& policy) : policy_(policy) {}

  // A machine, or its main command, has ended and nobody asked for it; it had `lasted` so long. How long to
  // wait before the next one; nullopt: there is none. The pause doubles from 100 ms to a minute, and begins
  // anew after a life of 10 s.
  std::optional<milliseconds> next(const shimlink::ExitRecord& end, milliseconds lasted);
  // How many times next() gave a pause.
  std::uint64_t count() const { return count_; }

 private:
  RestartPolicy policy_;
  std::uint64_t count_ = 0;
  milliseconds pause_{0};
};

}  // namespace boxlite::shim
