// SPDX-License-Identifier: Apache-2.0
// Whether a box ends with the process that started it.
#include "base/concat.h"
#include "box/lifecycle.h"
#include "box/shim_call.h"
#include "box/spec_json.h"
#include "box/status.h"

namespace boxlite::box {

// The record first: should we be killed in between, the worst is a box that is detached from its next start
// on.
Result<void> Lifecycle::detach() {
  BOXLITE_TRY(around_.boxes().get(id_));
  const auto held = BOXLITE_TRY(lock(Deadline::after(lock_limit)));
  const auto record = BOXLITE_TRY(reconcile());
  if (record.state.status != name(BoxStatus::running))
    return fail(ErrorCode::invalid_state, "the box is not running");
  auto spec = BOXLITE_TRY(parse_box_spec(record.spec));
  if (spec.detach) return {};
  spec.detach = true;
  BOXLITE_TRY(around_.boxes().set_spec(id_, to_json(spec)));
  const auto released = call_shim<wire::ShimLetGo>(around_, paths_, {});
  if (released) return {};
  (void)around_.boxes().set_spec(id_, record.spec);
  return fail(Error(released.error()));
}

}  // namespace boxlite::box
