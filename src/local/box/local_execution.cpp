// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_execution.h"

#include "local/box/local_box.h"

namespace boxlite::local {

Result<ExitStatus> LocalExecution::wait() {
  auto status = execution_->wait();
  // Who has waited for the main command finds the box stopped.
  if (status && is_main_) box_->settle();
  return status;
}

}  // namespace boxlite::local
