// SPDX-License-Identifier: Apache-2.0
// The machine's network: the loopback, and eth0 with the addresses of wire/network_plan.h.
#pragma once

#include "base/result.h"

namespace boxlite::agent {

// Brings both up. Before the machine is saved, so that a box that goes on from it has nothing to do.
Result<void> set_up_network();

// Takes eth0 down; the loopback stays.
Result<void> disable_network();

}  // namespace boxlite::agent
