// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"

namespace boxlite::linux_ {

// Waits until poll(2) reports one of the events (or an error, which the call that follows tells); false when
// the deadline has passed, or a stop was asked for, before.
bool wait_until_ready(int fd, short events, const Deadline& deadline);

}  // namespace boxlite::linux_
