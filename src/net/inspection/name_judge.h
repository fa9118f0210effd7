// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "netpolicy/audit_log.h"
#include "netpolicy/policy.h"

namespace boxlite::net {

// The policy in force, as the inspection asks it. One thread, the loop's.
class NameJudge {
 public:
  NameJudge() = default;
  NameJudge(const NameJudge&) = delete;
  NameJudge& operator=(const NameJudge&) = delete;
  virtual ~NameJudge() = default;

  // Policy::decide and Policy::decide_named.
  virtual netpolicy::Verdict decide(const netpolicy::Flow& flow) = 0;
  virtual netpolicy::Verdict decide_named(const netpolicy::Flow& flow, std::string_view name) = 0;
  // After Decision::ask: `done` is called with allow or deny, now or later, or dropped.
  virtual void ask(const netpolicy::Flow& flow, std::string_view name,
                   std::move_only_function<void(netpolicy::Verdict)> done) = 0;
  virtual void record(netpolicy::AuditRecord record) = 0;
};

}  // namespace boxlite::net
