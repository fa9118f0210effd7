// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/box.hpp>

#include "shimlink/health_rule.h"

namespace boxlite::shim {

// What the outcomes of probes say about a box. Knows no clock. One thread.
class HealthJudge {
 public:
  explicit HealthJudge(const shimlink::HealthRule& rule) : retries_(rule.retries) {
    if (rule.probe != shimlink::HealthProbe::none) state_ = HealthStatus::starting;
  }

  // `is_starting`: the start period is not over, and no probe has succeeded yet.
  void judge(bool succeeded, bool is_starting) {
    if (succeeded) {
      state_ = HealthStatus::healthy;
      failures_ = 0;
      return;
    }
    if (is_starting && state_ == HealthStatus::starting) return;
    ++failures_;
    if (failures_ >= retries_) state_ = HealthStatus::unhealthy;
  }

  HealthStatus state() const { return state_; }
  // In a row.
  unsigned failures() const { return failures_; }

 private:
  unsigned retries_;
  unsigned failures_ = 0;
  HealthStatus state_ = HealthStatus::none;
};

}  // namespace boxlite::shim
