// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace boxlite::linux_ {

// permission_denied, with the remedy, unless the directory is the effective user's and nobody else may write
// it. A group may when it is the user's own: of the same name and without other members, as Debian makes them
// (and gives such users the umask 002).
Result<void> check_private(const std::filesystem::path& directory);

}  // namespace boxlite::linux_
