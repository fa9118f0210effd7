// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shimlink/health_rule.h"

namespace boxlite::shim {

// What the outcomes of probes say about a box. Knows no clock. One thread.
class HealthJudge {
 public:
  explicit HealthJudge(const shimlink::HealthRule& rule) : retries_(rule.retries) {
    if (rule.probe != shimlink::HealthProbe::none) state_ = shimlink::HealthState::starting;
  }

  // `is_starting`: the start period is not over, and no probe has succeeded yet.
  void judge(bool succeeded, bool is_starting) {
    if (succeeded) {
      state_ = shimlink::HealthState::healthy;
      failures_ = 0;
      return;
    }
    if (is_starting && state_ == shimlink::HealthState::starting) return;
    ++failures_;
    if (failures_ >= retries_) state_ = shimlink::HealthState::unhealthy;
  }

  shimlink::HealthState state() const { return state_; }
  // In a row.
  unsigned failures() const { return failures_; }

 private:
  unsigned retries_;
  unsigned failures_ = 0;
  shimlink::HealthState state_ = shimlink::HealthState::none;
};

}  // namespace boxlite::shim
