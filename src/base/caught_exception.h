// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

namespace boxlite {

// In a catch clause at the top of a thread or around somebody else's callback: the exception that is being
// handled, as an error of `what`. resource_exhausted for want of memory, else internal.
Error caught_exception(std::string_view what);

}  // namespace boxlite
