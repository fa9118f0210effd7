// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "wire/messages.h"

namespace boxlite::box {

// invalid_argument for a name that is unknown or there twice, and for limits that the guest's kernel refuses.
Result<void> check_ulimits(const std::vector<Ulimit>& ulimits);

// Checked ones, in the kernel's names.
void add_ulimits(const std::vector<Ulimit>& ulimits, wire::msg::ContainerSpec& container);

}  // namespace boxlite::box
