// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "shimlink/shim_config.h"

namespace boxlite::box {

// What BoxSpec::folder_owner says, for a box of the user who asks; invalid_argument.
Result<shimlink::FolderOwner> folder_owner_of(std::string_view text);

}  // namespace boxlite::box
