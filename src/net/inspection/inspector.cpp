// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/inspector.h"

namespace boxlite::net {

Inspector::Inspector(linux_::EventLoop& loop, Dialer& dialer, NameJudge& judge, Interception* interception)
    : surroundings_{loop, dialer, judge, interception} {}

bool Inspector::wants(const netpolicy::Flow& flow) const {
  return surroundings_.interception != nullptr && surroundings_.interception->secrets().concerns(flow);
}

void Inspector::take(UniqueFd guest_side, const netpolicy::Flow& flow) {
  auto guest = SocketChannel::adopt(surroundings_.loop, std::move(guest_side));
  if (!guest || inspections_.size() >= most_connections) {
    const auto why = guest ? std::string("too many inspected connections") : guest.error().message();
    if (guest) (*guest)->reset();
    return surroundings_.judge.record(audit_of(flow, {netpolicy::Decision::deny, {}, why}));
  }
  const auto id = ++last_id_;
  const auto place = inspections_.emplace(id, nullptr).first;
  place->second =
      std::make_unique<Inspection>(surroundings_, flow, *std::move(guest), [this, id] { forget(id); });
  place->second->begin();
}

void Inspector::judge_again() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, inspection] : inspections_) ids.push_back(id);
  for (const auto id : ids) {
    if (const auto found = inspections_.find(id); found != inspections_.end()) found->second->judge_again();
  }
}

void Inspector::forget(std::uint64_t id) {
  auto node = inspections_.extract(id);
  if (node.empty()) return;
  ended_.push_back(std::move(node.mapped()));
  sweep_ =
      surroundings_.loop.after(std::chrono::milliseconds(0), [this] { std::exchange(ended_, {}).clear(); });
}

}  // namespace boxlite::net
