// SPDX-License-Identifier: Apache-2.0
// The one place where what users ask for is checked. Each error is invalid_argument and names the field, its
// value and what is allowed.
#pragma once

#include <string_view>

#include <boxlite/box_spec.hpp>

#include "base/result.h"

namespace boxlite::box {

Result<void> check(const BoxSpec& spec);

// The name of a box; an empty one is none, and good.
Result<void> check_box_name(std::string_view name);

// `is_main`: the command comes from the box; else there must be one.
Result<void> check(const ExecSpec& spec, bool is_main);

// A number of Linux's: 1 to 64.
Result<void> check_signal(int signal);

// An id of an execution as users hand it in.
Result<void> check_execution_id(std::string_view id);

}  // namespace boxlite::box
