// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/box.hpp>

#include "cli/ending.h"
#include "cli/tunnel/tunnel_listener.h"

namespace boxlite::cli {

// Leads each connection that is accepted to a tunnel of its own, until INT, TERM or HUP comes (success) or
// the box has stopped (an Ending). One that cannot be led on is closed, and the reason said on standard
// error. Two threads for each connection. Installs signal handlers while it runs; one call at a time in a
// process.
Outcome forward(const Box& box, const TunnelTarget& target, const TunnelListener& listener);

}  // namespace boxlite::cli
