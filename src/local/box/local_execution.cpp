// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_execution.h"

#include "local/box/local_box.h"
#include "local/ending_threads.h"

namespace boxlite::local {

Result<ExitStatus> LocalExecution::wait(const CallOptions& call) {
  auto status = execution_->wait(box::deadline_of(call));
  // Who has waited for the main command finds the box stopped.
  if (status && is_main_) box_->settle();
  return status;
}

void LocalExecution::abandon() {
  execution_->detach();
  // A box that does not answer keeps a call for long.
  run_before_exit([execution = execution_, box = box_] { (void)execution->send_signal(9, true); });
}

}  // namespace boxlite::local
