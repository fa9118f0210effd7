// SPDX-License-Identifier: Apache-2.0
// Whether a box ends with the process that started it.
#include "base/concat.h"
#include "box/life/lifecycle.h"
#include "box/shim_call.h"

namespace boxlite::box {

// The record first: should we be killed in between, the worst is a box that is detached from its next start
// on.
Result<void> Lifecycle::detach() {
  auto edit = BOXLITE_TRY(this->edit());
  if (!edit.is_running()) return fail(ErrorCode::invalid_state, "the box is not running");
  if (edit.spec().detach) return {};
  edit.spec().detach = true;
  BOXLITE_TRY(edit.record());
  const auto released = call_shim<wire::ShimLetGo>(around_, paths_, {});
  if (released) return {};
  edit.take_back();
  return fail(Error(released.error()));
}

}  // namespace boxlite::box
