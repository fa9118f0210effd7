// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "linux/event_loop.h"
#include "net/inspection/dialer.h"
#include "net/inspection/inspection.h"
#include "net/inspection/interception.h"
#include "net/inspection/name_judge.h"
#include "net/stream_handler.h"

namespace boxlite::net {

// Reads by which name the guest asks for what it connects to, has that judged, and then either passes the
// connection on or, when a secret is meant for it, puts itself between the two. A connection that may not be
// is reset.
class Inspector : public StreamHandler {
 public:
  static constexpr std::size_t most_connections = 1024;

  // All are borrowed; `interception` is null for a box without secrets.
  Inspector(linux_::EventLoop& loop, Dialer& dialer, NameJudge& judge, Interception* interception);

  void take(UniqueFd guest_side, const netpolicy::Flow& flow) override;
  // A secret may be meant for it.
  bool wants(const netpolicy::Flow& flow) const override;
  void judge_again() override;
  std::size_t connections() const { return inspections_.size(); }

 private:
  void forget(std::uint64_t id);

  Inspection::Surroundings surroundings_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Inspection>> inspections_;
  std::vector<std::unique_ptr<Inspection>> ended_;  // may still be on the stack
  linux_::EventLoop::Timer sweep_;
};

}  // namespace boxlite::net
