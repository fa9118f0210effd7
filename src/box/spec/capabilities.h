// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"

namespace boxlite::box {

// The capabilities that a box's commands get, as "CAP_CHOWN", in the kernel's order: Docker's fourteen, with
// the changes applied (a drop wins over an add), or all of them when privileged. invalid_argument names an
// unknown one.
Result<std::vector<std::string>> resolve_capabilities(const CapabilityChanges& changes, bool privileged);

}  // namespace boxlite::box
