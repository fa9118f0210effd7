// SPDX-License-Identifier: Apache-2.0
// What a box may reach, changed after it was created.
#include "base/concat.h"
#include "box/life/lifecycle.h"
#include "box/shim_call.h"
#include "box/spec/network.h"

namespace boxlite::box {
namespace {

Result<void> tell_shim(Surroundings& around, const BoxPaths& paths, const NetworkSpec& network) {
  wire::msg::SetNetworkPolicyRequest request;
  for (const auto& rule : network.allow) request.add_allow(rule);
  for (const auto& rule : network.deny) request.add_deny(rule);
  request.set_ask(network.ask);
  BOXLITE_TRY(call_shim<wire::ShimSetNetworkPolicy>(around, paths, request));
  return {};
}

}  // namespace

// The record first: should we be killed in between, what was forbidden is not allowed again by a later start.
Result<void> Lifecycle::set_network_policy(const NetworkPolicy& policy) {
  auto edit = BOXLITE_TRY(this->edit());
  auto& spec = edit.spec();
  if (!spec.network.is_enabled)
    return fail(ErrorCode::invalid_state, "set network policy: the box was made without a network");
  spec.network.allow = policy.allow;
  spec.network.deny = policy.deny;
  spec.network.ask = policy.ask;
  BOXLITE_TRY(check(spec.network));
  BOXLITE_TRY(edit.record());
  if (!edit.is_running()) return {};
  auto told = tell_shim(around_, paths_, spec.network);
  if (told) return {};
  // The machine goes on as before, so the record does too.
  edit.take_back();
  return told;
}

}  // namespace boxlite::box
