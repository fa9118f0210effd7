// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::disk {

// A POSIX ACL as ext4 stores it, from the form that system calls and archives use (`system.posix_acl_*`,
// version 2). Empty: it says nothing, and is not stored. What the kernel would not take is corrupted.
Result<std::string> acl_on_disk(std::string_view attribute);

}  // namespace boxlite::disk
