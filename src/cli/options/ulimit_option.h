// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "cli/options/option_set.h"

namespace boxlite::cli {

// Docker's "nofile=1024:2048"; without a hard limit it is the soft one; "-1" and "unlimited" are none. Which
// names there are is the library's affair.
std::optional<Ulimit> parse_ulimit(std::string_view text);

// What is given last for a name counts.
OptionSet::Accept accept_ulimit(std::vector<Ulimit>& target);

}  // namespace boxlite::cli
