// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

namespace boxlite::shim {

// What the parent left open for us.
struct Inherited {
  UniqueFd watchdog = {};  // not open when detached
  UniqueFd listener = {};
  UniqueFd lock = {};
  UniqueFd signals = {};  // a signalfd of TERM, INT and HUP
};

}  // namespace boxlite::shim
